//! The `Authorization` header, from which root keys are read.

use crate::{Error, Kind, Result};

/// The root key in an `Authorization` header: what follows the word Bearer (in any case) and spaces.
///
/// # Errors
/// [`Kind::AuthenticationMissing`] without a header or with an empty one, [`Kind::AuthenticationMalformed`] for
/// another form. Neither repeats what was sent.
pub fn bearer(header: Option<&str>) -> Result<&str> {
    let header = header.map(str::trim).filter(|header| !header.is_empty());
    let header = header.ok_or_else(|| mistake(Kind::AuthenticationMissing, "must not be empty"))?;
    let token = match header.split_once(' ') {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("bearer") => rest.trim_start_matches(' '),
        _ => "",
    };
    if token.is_empty() || token.contains(|character: char| character.is_whitespace()) {
        return Err(mistake(
            Kind::AuthenticationMalformed,
            "must be the word Bearer, a space and a root key",
        ));
    }
    Ok(token)
}

fn mistake(kind: Kind, problem: &str) -> Error {
    let error = Error { kind, ..Error::invalid("authorization", problem) };
    error.hint("Send the header Authorization: Bearer <root key>; unkey_create_root_key makes one.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(header: Option<&str>) -> Kind {
        bearer(header).unwrap_err().kind
    }

    #[test]
    fn vk_32_nothing_sent_is_missing() {
        for header in [None, Some(""), Some("  ")] {
            assert_eq!(kind(header), Kind::AuthenticationMissing);
        }
    }

    #[test]
    fn the_scheme_has_any_case_and_any_number_of_spaces() {
        for header in ["Bearer unkey_1", "bearer unkey_1", "BEARER   unkey_1", " Bearer unkey_1 "] {
            assert_eq!(bearer(Some(header)), Ok("unkey_1"), "{header}");
        }
    }

    #[test]
    fn other_forms_are_malformed_and_not_repeated() {
        for header in
            ["unkey_1", "Bearer", "Bearerunkey_1", "Basic unkey_1", "Bearer unkey_1 x", "Bearer\tunkey_1"]
        {
            let error = bearer(Some(header)).unwrap_err();
            assert_eq!(error.kind, Kind::AuthenticationMalformed, "{header}");
            assert!(!error.message.contains("unkey_1"), "{}", error.message);
        }
    }
}
