//! Tokens: whose signature counts.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};

use super::claims::Claims;
use super::error::{Error, Result};

/// The keys that tokens may be signed with. Secret, so there is no `Debug`.
pub struct Keys(Vec<Key>);

struct Key {
    id: Option<String>,
    /// Whether it was given as a mere text, which has no id and takes tokens of any.
    bare: bool,
    key: DecodingKey,
    /// What a token may say it is signed by; never left to the token alone.
    algorithms: Vec<Algorithm>,
}

/// Shortest secret, in bytes: that of the hash.
const SHORTEST: usize = 32;

impl Keys {
    /// Reads a secret text, a JWK, a JWKS, or the file `@path` with one of these.
    ///
    /// # Errors
    /// What is wrong with it; never repeats it.
    pub fn read(secret: &str) -> Result<Self, String> {
        match secret.strip_prefix('@') {
            None => Self::parse(secret),
            Some(path) => {
                let text = std::fs::read_to_string(path)
                    .map_err(|error| format!("the file of the JWT secret can't be read: {error}"))?;
                Self::parse(text.trim_end_matches(['\r', '\n']))
            }
        }
    }

    fn parse(secret: &str) -> Result<Self, String> {
        if !secret.trim_start().starts_with('{') {
            long_enough(secret.len())?;
            let key = DecodingKey::from_secret(secret.as_bytes());
            return Ok(Self(vec![Key { id: None, bare: true, key, algorithms: vec![Algorithm::HS256] }]));
        }
        let malformed = |_| "the JWT secret is neither a JWK nor a JWKS".to_owned();
        let set = match serde_json::from_str::<JwkSet>(secret) {
            Ok(set) => set,
            Err(_) => JwkSet { keys: vec![serde_json::from_str(secret).map_err(malformed)?] },
        };
        let signing =
            set.keys.iter().filter(|jwk| jwk.common.public_key_use != Some(PublicKeyUse::Encryption));
        let keys = signing.map(Key::read).collect::<Result<Vec<_>, String>>()?;
        if keys.is_empty() {
            Err("the JWKS has no key to check signatures with".to_owned())
        } else {
            Ok(Self(keys))
        }
    }

    /// What a token claims, if one of the keys signed it.
    ///
    /// # Errors
    /// PGRST301.
    pub fn claims(&self, token: &str) -> Result<Claims> {
        if token.is_empty() {
            return Err(refused("the JWT is empty"));
        }
        let header = decode_header(token).map_err(|_| refused("the JWT can't be read"))?;
        // It would name what must be understood; nothing of the kind is.
        if header.crit.is_some() {
            return Err(refused("the JWT asks for what is not supported"));
        }
        let fitting = self.0.iter().filter(|key| key.bare || header.kid.is_none() || key.id == header.kid);
        let mut signed =
            fitting.filter(|key| key.algorithms.contains(&header.alg)).filter_map(|key| key.claims(token));
        signed.next().ok_or_else(|| refused("the JWT is not signed by a key that counts here"))
    }
}

impl Key {
    fn read(jwk: &Jwk) -> Result<Self, String> {
        let key =
            DecodingKey::from_jwk(jwk).map_err(|_| "a key of the JWT secret is malformed".to_owned())?;
        if let AlgorithmParameters::OctetKey(_) = jwk.algorithm {
            long_enough(key.try_get_as_bytes().map_or(0, <[u8]>::len))?;
        }
        Ok(Self { id: jwk.common.key_id.clone(), bare: false, key, algorithms: algorithms(jwk)? })
    }

    fn claims(&self, token: &str) -> Option<Claims> {
        let mut validation = Validation::new(*self.algorithms.first()?);
        validation.algorithms.clone_from(&self.algorithms);
        // Only the signature: claims.rs judges the rest.
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        validation.validate_aud = false;
        decode(token, &self.key, &validation).ok().map(|token| token.claims)
    }
}

/// What a key may be used with: what it says, or else what its type allows.
fn algorithms(jwk: &Jwk) -> Result<Vec<Algorithm>, String> {
    let unsupported = || "a key of the JWT secret is of a type that is not supported".to_owned();
    let possible = match &jwk.algorithm {
        AlgorithmParameters::OctetKey(_) => vec![Algorithm::HS256, Algorithm::HS384, Algorithm::HS512],
        AlgorithmParameters::RSA(_) => vec![
            Algorithm::RS256,
            Algorithm::RS384,
            Algorithm::RS512,
            Algorithm::PS256,
            Algorithm::PS384,
            Algorithm::PS512,
        ],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => vec![Algorithm::ES256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P384 => vec![Algorithm::ES384],
        AlgorithmParameters::OctetKeyPair(_) => vec![Algorithm::EdDSA],
        _ => return Err(unsupported()),
    };
    let Some(named) = jwk.common.key_algorithm else { return Ok(possible) };
    let named = possible.into_iter().find(|algorithm| KeyAlgorithm::from(*algorithm) == named);
    named.map(|algorithm| vec![algorithm]).ok_or_else(unsupported)
}

fn long_enough(bytes: usize) -> Result<(), String> {
    if bytes < SHORTEST { Err(format!("the JWT secret must have at least {SHORTEST} bytes")) } else { Ok(()) }
}

fn refused(why: &str) -> Error {
    Error::token("PGRST301", why)
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{EncodingKey, Header, encode};
    use openssl::bn::BigNumContext;
    use openssl::ec::{EcGroup, EcKey, PointConversionForm};
    use openssl::ecdsa::EcdsaSig;
    use openssl::hash::MessageDigest;
    use openssl::nid::Nid;
    use openssl::pkey::{PKey, Private};
    use openssl::rsa::Rsa;
    use openssl::sha::sha256;
    use openssl::sign::Signer;
    use serde_json::json;

    use super::*;

    const SECRET: &str = "a secret that has thirty-two bytes or more";
    const OTHER: &str = "another secret, which has as many bytes as it needs";

    fn token(header: Header, secret: &str) -> String {
        encode(&header, &json!({"role": "app"}), &EncodingKey::from_secret(secret.as_bytes())).unwrap()
    }

    fn named(id: &str) -> Header {
        Header { kid: Some(id.to_owned()), ..Header::default() }
    }

    fn octets(secret: &str, id: Option<&str>) -> serde_json::Value {
        let encoding = EncodingKey::from_secret(secret.as_bytes());
        let mut jwk =
            serde_json::to_value(Jwk::from_encoding_key(&encoding, Algorithm::HS256).unwrap()).unwrap();
        if let Some(id) = id {
            jwk["kid"] = id.into();
        }
        jwk
    }

    #[test]
    fn a_text_is_a_secret_for_hs256() {
        let keys = Keys::read(SECRET).ok().unwrap();
        assert_eq!(keys.claims(&token(Header::default(), SECRET)).unwrap()["role"], "app");
        assert_eq!(keys.claims(&token(named("any"), SECRET)).unwrap()["role"], "app");
        for forged in [
            token(Header::default(), OTHER),
            token(Header::new(Algorithm::HS512), SECRET),
            // {"alg":"none"}.{"role":"app"}.
            "eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYXBwIn0.".to_owned(),
            String::new(),
            "a.b".to_owned(),
            format!("{}x", token(Header::default(), SECRET)),
        ] {
            let error = keys.claims(&forged).unwrap_err();
            assert_eq!((error.status.as_u16(), error.body.code.as_str()), (401, "PGRST301"), "{forged}");
            assert!(error.headers[0].1.to_str().unwrap().starts_with(r#"Bearer error="invalid_token""#));
        }
    }

    #[test]
    fn a_set_is_searched_by_id() {
        let set =
            json!({"keys": [octets(SECRET, Some("one")), octets(OTHER, Some("two")), octets(OTHER, None)]});
        let keys = Keys::read(&set.to_string()).ok().unwrap();
        assert!(keys.claims(&token(named("one"), SECRET)).is_ok());
        assert!(keys.claims(&token(named("two"), OTHER)).is_ok());
        assert!(keys.claims(&token(Header::default(), OTHER)).is_ok());
        assert!(keys.claims(&token(named("one"), OTHER)).is_err());
        assert!(keys.claims(&token(named("three"), SECRET)).is_err());
    }

    #[test]
    fn a_public_key_is_no_secret() {
        let jwk = json!({"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4", "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"});
        let keys = Keys::read(&jwk.to_string()).ok().unwrap();
        assert_eq!(keys.0[0].algorithms, [Algorithm::ES256]);
        let confused = token(Header::default(), "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4");
        assert_eq!(keys.claims(&confused).unwrap_err().body.code, "PGRST301");
    }

    fn base64(bytes: &[u8]) -> String {
        openssl::base64::encode_block(bytes)
            .replace('+', "-")
            .replace('/', "_")
            .trim_end_matches('=')
            .to_owned()
    }

    /// A token whose signature somebody else makes.
    fn signed(algorithm: &str, sign: impl Fn(&[u8]) -> Vec<u8>) -> String {
        let header = json!({ "alg": algorithm }).to_string();
        let message = format!("{}.{}", base64(header.as_bytes()), base64(br#"{"role":"app"}"#));
        let signature = sign(message.as_bytes());
        format!("{message}.{}", base64(&signature))
    }

    #[test]
    fn rs256() {
        let private = Rsa::generate(2048).unwrap();
        let jwk =
            json!({ "kty": "RSA", "n": base64(&private.n().to_vec()), "e": base64(&private.e().to_vec()) });
        let keys = Keys::read(&jwk.to_string()).ok().unwrap();
        let private = PKey::from_rsa(private).unwrap();
        let sign = |digest, message: &[u8]| {
            Signer::new(digest, &private).unwrap().sign_oneshot_to_vec(message).unwrap()
        };
        let token = signed("RS256", |message| sign(MessageDigest::sha256(), message));
        assert_eq!(keys.claims(&token).unwrap()["role"], "app");
        assert!(keys.claims(&signed("RS512", |message| sign(MessageDigest::sha512(), message))).is_ok());
        assert!(keys.claims(&signed("RS256", |message| sign(MessageDigest::sha512(), message))).is_err());
        let only = json!({ "keys": [{ "kty": "RSA", "alg": "RS256", "n": jwk["n"], "e": jwk["e"] }] });
        let keys = Keys::read(&only.to_string()).ok().unwrap();
        assert!(keys.claims(&token).is_ok());
        assert!(keys.claims(&signed("RS512", |message| sign(MessageDigest::sha512(), message))).is_err());
    }

    #[test]
    fn es256() {
        let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
        let (private, other) = (EcKey::generate(&group).unwrap(), EcKey::generate(&group).unwrap());
        let mut context = BigNumContext::new().unwrap();
        let point =
            private.public_key().to_bytes(&group, PointConversionForm::UNCOMPRESSED, &mut context).unwrap();
        let jwk =
            json!({ "kty": "EC", "crv": "P-256", "x": base64(&point[1..33]), "y": base64(&point[33..]) });
        let keys = Keys::read(&jwk.to_string()).ok().unwrap();
        let sign = |key: &EcKey<Private>, message: &[u8]| {
            let signature = EcdsaSig::sign(&sha256(message), key).unwrap();
            [signature.r().to_vec_padded(32).unwrap(), signature.s().to_vec_padded(32).unwrap()].concat()
        };
        assert_eq!(keys.claims(&signed("ES256", |message| sign(&private, message))).unwrap()["role"], "app");
        assert!(keys.claims(&signed("ES256", |message| sign(&other, message))).is_err());
    }

    #[test]
    fn what_is_no_secret_is_refused_without_repeating_it() {
        for secret in [
            "short secret",
            r#"{"kty":"secret"}"#,
            r#"{"keys":[]}"#,
            r#"{"kty":"oct","k":"c2VjcmV0"}"#,
            "@/no/such/secret-file",
        ] {
            let error = Keys::read(secret).err().unwrap();
            assert!(!error.contains(secret), "{error}");
        }
    }
}
