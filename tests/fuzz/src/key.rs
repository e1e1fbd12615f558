//! Texts of keys, hashes, Authorization headers and files of master keys: all read the same text.

use openssl::base64::encode_block;
use openssl::sha::sha256;
use unkey_core::envelope::{MasterKeys, Sealed};
use unkey_core::key::{Hash, NewKey, generate, may_be_one, prefixed_api_key_hash, start_of};
use unkey_core::{Error, Kind, authorization, checksum, id, rule, validate};

pub fn check(input: &[u8]) {
    let Some(text) = crate::text(input) else { return };
    hash(text);
    hash_text(text);
    start(text);
    header(text);
    key_file(text);
    recognised(text);
    if validate::prefix(text).is_ok() {
        generated(text, generate(Some(text), 255).unwrap());
        let new = checksum::generate(Some(text)).unwrap();
        if checksum::ends_well(text) {
            assert!(checksum::is_intact(&new.plaintext.reveal()));
            generated(text, checksum::generate(Some(text)).unwrap());
        }
    }
}

fn hash(text: &str) {
    let (hash, expected) = (Hash::of(text), sha256(text.as_bytes()));
    assert_eq!(hash.as_bytes(), &expected);
    assert_eq!(hash.to_base64(), encode_block(&expected));
    assert_eq!(Hash::parse(&hash.to_base64()), Some(hash));
    let id = id::of_key(b"secret", &hash).unwrap();
    assert!(rule::ID.check("id", &id).is_ok() && id.starts_with("key_"));
}

/// A text is a hash in one way only.
fn hash_text(text: &str) {
    let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match Hash::parse(text) {
        Some(hash) if is_hex && text.len() == 64 => {
            assert_eq!(hex(hash.as_bytes()), text.to_ascii_lowercase())
        }
        Some(hash) => assert_eq!(hash.to_base64(), text),
        None => assert!(!(is_hex && text.len() == 64)),
    }
    if let Ok(sealed) = Sealed::try_from(text.to_owned()) {
        assert_eq!(sealed.to_hex(), text.to_ascii_lowercase());
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn start(text: &str) {
    let start = start_of(text);
    assert!(text.starts_with(&start) && start.chars().count() <= 50);
    assert!(text.is_empty() || start.len() < text.len());
    let shown = start.rsplit('_').next().unwrap_or_default();
    assert!(text.matches('_').count() > start.matches('_').count() || shown.chars().count() <= 4);
    match prefixed_api_key_hash(text) {
        Ok(hash) => assert_eq!(hash, Hash::of(text.rsplit('_').next().unwrap())),
        // The very error of any other text.
        Err(error) => assert_eq!(error, prefixed_api_key_hash("").unwrap_err()),
    }
}

fn header(text: &str) {
    match authorization::bearer(Some(text)) {
        Ok(token) => {
            let (scheme, rest) = text.trim().split_once(' ').unwrap();
            assert!(scheme.eq_ignore_ascii_case("bearer") && rest.trim_start() == token);
            assert!(!token.is_empty() && !token.contains(char::is_whitespace));
        }
        Err(error) if error.kind == Kind::AuthenticationMissing => assert!(text.trim().is_empty()),
        Err(error) => assert_eq!(Err(error), authorization::bearer(Some("x"))),
    }
    if !text.is_empty() && !text.contains(char::is_whitespace) {
        assert_eq!(authorization::bearer(Some(&format!("Bearer {text}"))), Ok(text));
    }
}

/// An error says which line, and nothing else of the file.
fn key_file(text: &str) {
    if let Err(error) = MasterKeys::read(text) {
        let told: String = error.message.chars().filter(|character| !character.is_ascii_digit()).collect();
        let known = [
            "the file of unkey.master_key_file can't be used: there is no key in it",
            "the file of unkey.master_key_file can't be used: line  is not  bytes as base or hexadecimal text",
        ];
        assert!(known.contains(&told.as_str()), "{told}");
    }
}

/// No text has its checksum and does not, and none of another layout has one; one more character anywhere makes another layout.
fn recognised(text: &str) {
    let (intact, refuted) = (checksum::is_intact(text), checksum::is_refuted(text));
    assert!(!(intact && refuted));
    assert!(!(intact || refuted) || text.contains(checksum::MARKER) && (57..=74).contains(&text.len()));
    assert_eq!(may_be_one(text), !text.is_empty() && text.chars().count() <= 512 && !refuted);
    assert!(!checksum::is_intact(&format!("{text}1")) || !intact);
}

/// What is made with a prefix that is allowed is accepted everywhere.
fn generated(prefix: &str, new: NewKey) {
    let (hash, start, text) = (new.hash, new.start, new.plaintext.reveal());
    assert!(
        text.starts_with(prefix)
            && may_be_one(&text)
            && rule::KEY.check("key", &text).is_ok()
            && rule::START.check("start", &start).is_ok()
    );
    assert_eq!((hash, start.as_str()), (Hash::of(&text), start_of(&text).as_str()));
    assert_eq!(authorization::bearer(Some(&format!("Bearer {text}"))), Ok(text.as_str()));
    let (_, random) = text.rsplit_once('_').unwrap();
    assert!(!Error::invalid(text.clone(), &text).to_string().contains(random));
}
