//! Idempotency: how a request that is sent again is recognised, and what may be kept of its answer.

use sha2::{Digest, Sha256};

use crate::{Error, Kind, Result, rule};

/// Longest answer that is kept, in bytes of JSON text.
pub const MAX_ANSWER: usize = 64 * 1024;

/// SHA-256 of a request's JSON text: enough to recognise the same one, and nothing of it.
pub fn fingerprint(request: &str) -> [u8; 32] {
    Sha256::digest(request.as_bytes()).into()
}

/// Refuses a key that can't be stored. It is not repeated: who mixes up two keys sends a secret one.
///
/// # Errors
/// If it has not 1 to 255 characters.
pub fn check_key(key: &str) -> Result<()> {
    rule::IDEMPOTENCY_KEY.check("idempotency_key", key)
}

/// Refuses an answer that is too long.
///
/// # Errors
/// If its JSON text has more than [`MAX_ANSWER`] bytes.
pub fn check_answer(answer: &str) -> Result<()> {
    if answer.len() <= MAX_ANSWER {
        return Ok(());
    }
    let problem = format_args!("must have at most {MAX_ANSWER} bytes, not {}", answer.len()).to_string();
    Err(Error::invalid("answer", problem)
        .hint("Keep what tells the caller where the rest is, such as an id."))
}

/// Nobody is authenticated, so there is nobody whose request it could be.
pub fn nobody() -> Error {
    Error::new(Kind::AuthenticationMissing, "nobody is authenticated")
        .hint("unkey_authenticate(key) comes first, in the same transaction.")
}

/// The key stands for a request that was another one.
pub fn another_request() -> Error {
    Error::invalid("idempotency_key", "was used for another request")
        .hint("A new request needs a new idempotency key; only a retry sends the same one.")
}

/// There is nothing to finish.
pub fn not_under_way() -> Error {
    let message = "the request with this idempotency_key is not under way";
    let argument = Some("idempotency_key".into());
    Error { argument, ..Error::new(Kind::PreconditionFailed, message) }.hint(
        "It was never begun for the key that is authenticated, or is finished: what unkey_begin_request returned is its answer.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_is_the_sha_256_of_the_text() {
        let hex: String = fingerprint("{}").iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        assert_ne!(fingerprint("{}"), fingerprint("{} "));
    }

    #[test]
    fn keys_have_1_to_255_characters() {
        assert!(check_key("é").is_ok());
        assert!(check_key(&"é".repeat(255)).is_ok());
        for wrong in [String::new(), "é".repeat(256)] {
            assert_eq!(check_key(&wrong).map_err(|error| error.kind), Err(Kind::InvalidInput));
        }
    }

    #[test]
    fn answers_are_measured_in_bytes() {
        assert!(check_answer(&"x".repeat(MAX_ANSWER)).is_ok());
        assert_eq!(
            check_answer(&"é".repeat(MAX_ANSWER / 2 + 1)).map_err(|error| error.kind),
            Err(Kind::InvalidInput)
        );
    }
}
