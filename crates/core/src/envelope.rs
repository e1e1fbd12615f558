//! Encryption of recoverable keys: a master key wraps data keys, and a data key encrypts the texts of keys.
//!
//! Both by XChaCha20-Poly1305: 24 random bytes (the nonce), the ciphertext, 16 bytes that authenticate it together with
//! the name of what it belongs to. So a ciphertext moved to another row, key or master does not open.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac};
use serde::Deserialize;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::key::{Plaintext, decode_32, decode_hex, fill_random};
use crate::{Error, Kind, Result};

const NONCE: usize = 24;
/// Bytes of a master key's id.
const MASTER_ID: usize = 8;

/// A key of 32 bytes, wiped when dropped. Has no `Debug`.
struct Secret(Zeroizing<[u8; 32]>);

/// Nonce and ciphertext; in JSON a hexadecimal text.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Hexadecimal.
    pub fn to_hex(&self) -> String {
        to_hex(&self.0)
    }
}

impl TryFrom<String> for Sealed {
    type Error = &'static str;

    fn try_from(hex: String) -> Result<Self, &'static str> {
        decode_hex(&hex).map(Self).ok_or("not hexadecimal")
    }
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Secret {
    fn random() -> Result<Self> {
        let mut bytes = Zeroizing::new([0; 32]);
        fill_random(bytes.as_mut())?;
        Ok(Self(bytes))
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.0).into())
    }

    fn seal(&self, owner: &str, message: &[u8]) -> Result<Sealed> {
        let mut nonce = [0; NONCE];
        fill_random(&mut nonce)?;
        let payload = Payload { msg: message, aad: owner.as_bytes() };
        let ciphertext = self.cipher().encrypt(&XNonce::from(nonce), payload);
        let ciphertext = ciphertext.map_err(|_| Error::new(Kind::PreconditionFailed, "encryption failed"))?;
        Ok(Sealed([&nonce, ciphertext.as_slice()].concat()))
    }

    fn open(&self, owner: &str, sealed: &Sealed) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, ciphertext) = sealed.0.split_first_chunk::<NONCE>()?;
        let payload = Payload { msg: ciphertext, aad: owner.as_bytes() };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).ok().map(Zeroizing::new)
    }
}

/// What wraps data keys. Known to the server's configuration only, never to the database.
pub struct MasterKey {
    id: String,
    secret: Secret,
}

impl MasterKey {
    fn new(secret: Secret) -> Result<Self> {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.0.as_slice()).map_err(|error| {
            Error::new(Kind::PreconditionFailed, format!("a master key is unusable: {error}"))
        })?;
        mac.update(b"unkey master key");
        let code = mac.finalize().into_bytes();
        let short: Vec<u8> = code.into_iter().take(MASTER_ID).collect();
        Ok(Self { id: to_hex(&short), secret })
    }

    /// What tells master keys apart: 64 bits of an HMAC under the key itself, as hexadecimal text.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Encrypts a data key.
    ///
    /// # Errors
    /// [`Kind::NoRandomness`] if the operating system has no random bytes.
    pub fn wrap(&self, key: &DataKey) -> Result<Sealed> {
        self.secret.seal(&self.owner(&key.id), key.secret.0.as_slice())
    }

    /// Decrypts the data key with this id; `None` if it is not what this master key wrapped under that id.
    pub fn unwrap(&self, id: &str, wrapped: &Sealed) -> Option<DataKey> {
        let bytes = self.secret.open(&self.owner(id), wrapped)?;
        let secret = Secret(Zeroizing::new(bytes.as_slice().try_into().ok()?));
        Some(DataKey { id: id.to_owned(), secret })
    }

    fn owner(&self, id: &str) -> String {
        format!("data key {id} of {}", self.id)
    }
}

/// The master keys of a key file: the current one, and older ones that still decrypt.
pub struct MasterKeys {
    current: MasterKey,
    older: Vec<MasterKey>,
}

impl MasterKeys {
    /// Reads a key file: 32 bytes as base64 or hex in each line, the current key first; blank lines and lines that
    /// begin with `#` are skipped.
    ///
    /// # Errors
    /// [`Kind::PreconditionFailed`] naming the line, never what is in it.
    pub fn read(text: &str) -> Result<Self> {
        let lines = text.lines().map(str::trim).enumerate();
        let mut keys =
            lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(at, line)| {
                let bytes = decode_32(line).ok_or_else(|| {
                    file_error(format!("line {} is not 32 bytes as base64 or hexadecimal text", at + 1))
                })?;
                MasterKey::new(Secret(bytes))
            });
        let current = keys.next().ok_or_else(|| file_error("there is no key in it"))??;
        Ok(Self { current, older: keys.collect::<Result<_>>()? })
    }

    /// The key that wraps what is new.
    pub fn current(&self) -> &MasterKey {
        &self.current
    }

    /// The key with this id.
    pub fn by_id(&self, id: &str) -> Option<&MasterKey> {
        std::iter::once(&self.current).chain(&self.older).find(|key| key.id == id)
    }
}

/// The mistake of a key file that can't be used; `problem` must not repeat what is in it.
pub fn file_error(problem: impl std::fmt::Display) -> Error {
    let message = format!("the file of unkey.master_key_file can't be used: {problem}");
    Error::new(Kind::PreconditionFailed, message)
        .hint("Make it with: (umask 077; openssl rand -base64 32 > FILE), readable by the server.")
}

/// What encrypts texts of keys. Stored only as a master key wrapped it.
pub struct DataKey {
    id: String,
    secret: Secret,
}

impl DataKey {
    /// A fresh one.
    ///
    /// # Errors
    /// [`Kind::NoRandomness`] if the operating system has no random bytes.
    pub fn random(id: String) -> Result<Self> {
        Ok(Self { id, secret: Secret::random()? })
    }

    /// Under which id it is stored.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Encrypts the text of a key.
    ///
    /// # Errors
    /// [`Kind::NoRandomness`] if the operating system has no random bytes.
    pub fn seal(&self, key_id: &str, text: &Plaintext) -> Result<Sealed> {
        self.secret.seal(&self.owner(key_id), text.as_bytes())
    }

    /// Decrypts the text of a key; `None` if it is not what this data key encrypted for that key.
    pub fn open(&self, key_id: &str, sealed: &Sealed) -> Option<Plaintext> {
        let bytes = self.secret.open(&self.owner(key_id), sealed)?;
        std::str::from_utf8(&bytes).ok().map(|text| Plaintext::new(text.to_owned()))
    }

    fn owner(&self, key_id: &str) -> String {
        format!("text of {key_id} under {}", self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
    const TWO: &str = "0202020202020202020202020202020202020202020202020202020202020202";

    fn masters(lines: &[&str]) -> MasterKeys {
        MasterKeys::read(&lines.join("\n")).ok().unwrap()
    }

    fn problem(text: &str) -> String {
        MasterKeys::read(text).err().unwrap().message
    }

    fn text(text: &str) -> Plaintext {
        Plaintext::new(text.to_owned())
    }

    fn revealed(text: Option<Plaintext>) -> Option<String> {
        text.map(Plaintext::reveal)
    }

    #[test]
    fn gk_02_a_text_comes_back() {
        let (masters, key) = (masters(&[ONE]), DataKey::random("kek_1".into()).unwrap());
        let (wrapped, sealed) =
            (masters.current().wrap(&key).unwrap(), key.seal("key_1", &text("pre_abc")).unwrap());
        let again = masters.current().unwrap("kek_1", &wrapped).unwrap();
        assert_eq!(revealed(again.open("key_1", &sealed)).as_deref(), Some("pre_abc"));
    }

    #[test]
    fn nothing_opens_in_another_place() {
        let (masters, key) = (masters(&[ONE, TWO]), DataKey::random("kek_1".into()).unwrap());
        let two = masters.by_id(MasterKeys::read(TWO).ok().unwrap().current().id()).unwrap();
        let wrapped = masters.current().wrap(&key).unwrap();
        assert!(masters.current().unwrap("kek_2", &wrapped).is_none());
        assert!(two.unwrap("kek_1", &wrapped).is_none());
        let sealed = key.seal("key_1", &text("abc")).unwrap();
        assert!(key.open("key_2", &sealed).is_none());
        assert!(DataKey { id: "kek_2".into(), ..key }.open("key_1", &sealed).is_none());
    }

    #[test]
    fn any_changed_bit_is_noticed() {
        let key = DataKey::random("kek_1".into()).unwrap();
        let sealed = key.seal("key_1", &text("abc")).unwrap();
        for bit in 0..sealed.0.len() * 8 {
            let mut changed = sealed.clone();
            changed.0[bit / 8] ^= 1 << (bit % 8);
            assert!(key.open("key_1", &changed).is_none(), "bit {bit}");
        }
        for length in 0..sealed.0.len() {
            assert!(key.open("key_1", &Sealed(sealed.0[..length].to_vec())).is_none(), "{length} bytes");
        }
    }

    #[test]
    fn no_two_ciphertexts_are_alike() {
        let key = DataKey::random("kek_1".into()).unwrap();
        assert_ne!(key.seal("key_1", &text("abc")), key.seal("key_1", &text("abc")));
    }

    #[test]
    fn key_files_have_comments_blank_lines_and_two_notations() {
        let file = format!("# current\r\n\r\n  {ONE}  \r\n# before\n{TWO}\n");
        let keys = MasterKeys::read(&file).ok().unwrap();
        assert_eq!((keys.current().id(), keys.older.len()), (masters(&[ONE]).current().id(), 1));
        assert!(keys.by_id(masters(&[TWO]).current().id()).is_some());
        assert!(keys.by_id("0000000000000000").is_none());
    }

    #[test]
    fn a_bad_key_file_is_refused_without_being_repeated() {
        for (file, expected) in [
            ("", "there is no key in it"),
            ("# nothing\n", "there is no key in it"),
            ("\nsecret", "line 2 is not 32 bytes as base64 or hexadecimal text"),
            (&format!("{ONE}\n{ONE}x\n"), "line 2 is not 32 bytes as base64 or hexadecimal text"),
            (&TWO[..62], "line 1 is not 32 bytes as base64 or hexadecimal text"),
        ] {
            assert!(problem(file).ends_with(expected), "{}", problem(file));
        }
    }

    #[test]
    fn ids_of_masters_are_stable() {
        assert_eq!(masters(&[ONE]).current().id(), "7450dea3dfad5b05");
    }
}
