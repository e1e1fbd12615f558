//! What a token claims, and whether that holds now.

use serde_json::{Map, Value};

use super::error::{Error, Result};

/// How far clocks may differ, in seconds.
const LEEWAY: f64 = 30.0;

/// The members of a token.
pub type Claims = Map<String, Value>;

/// Whether these claims hold at `now` (seconds since 1970) for this audience.
///
/// # Errors
/// PGRST303, which says why not.
pub fn check(claims: &Claims, now: f64, audience: Option<&str>) -> Result<()> {
    if instant(claims, "exp")?.is_some_and(|exp| exp + LEEWAY < now) {
        return Err(refused("JWT expired"));
    }
    if instant(claims, "nbf")?.is_some_and(|nbf| nbf - LEEWAY > now) {
        return Err(refused("JWT not valid yet"));
    }
    if instant(claims, "iat")?.is_some_and(|iat| iat - LEEWAY > now) {
        return Err(refused("JWT issued in the future"));
    }
    if is_for(claims.get("aud"), audience)? { Ok(()) } else { Err(refused("JWT not for this audience")) }
}

fn instant(claims: &Claims, name: &str) -> Result<Option<f64>> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => {
            value.as_f64().map(Some).ok_or_else(|| refused(&format!("{name} of the JWT must be a number")))
        }
    }
}

/// A token without an audience is for everybody, and so is every token where none is asked for.
fn is_for(claimed: Option<&Value>, audience: Option<&str>) -> Result<bool> {
    let misshaped = || refused("aud of the JWT must be a text or an array of texts");
    let claimed = match claimed {
        None | Some(Value::Null) => return Ok(true),
        Some(Value::Array(several)) => {
            several.iter().map(Value::as_str).collect::<Option<Vec<_>>>().ok_or_else(misshaped)?
        }
        Some(one) => vec![one.as_str().ok_or_else(misshaped)?],
    };
    Ok(claimed.is_empty() || audience.is_none_or(|audience| claimed.contains(&audience)))
}

fn refused(why: &str) -> Error {
    Error::token("PGRST303", why)
}

/// The role that a token names at `place`: a claim, or a path such as `/app_metadata/role` into one.
pub fn role<'a>(claims: &'a Claims, place: &str) -> Option<&'a str> {
    let found = match place.strip_prefix('/') {
        None => claims.get(place),
        Some(path) => {
            let (first, rest) =
                path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
            let claim = claims.get(first);
            rest.map_or(claim, |rest| claim?.pointer(&format!("/{rest}")))
        }
    };
    found?.as_str()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn checked(claims: Value, audience: Option<&str>) -> Result<(), String> {
        let Value::Object(claims) = claims else { panic!("no object") };
        check(&claims, 1000.0, audience).map_err(|error| error.body.message)
    }

    fn refused(why: &str) -> Result<(), String> {
        Err(why.to_owned())
    }

    #[test]
    fn clocks_may_differ_by_thirty_seconds() {
        assert_eq!(checked(json!({"exp": 970, "nbf": 1030, "iat": 1030}), None), Ok(()));
        assert_eq!(checked(json!({"exp": 969}), None), refused("JWT expired"));
        assert_eq!(checked(json!({"nbf": 1031}), None), refused("JWT not valid yet"));
        assert_eq!(checked(json!({"iat": 1031}), None), refused("JWT issued in the future"));
        assert_eq!(checked(json!({"exp": "2000"}), None), refused("exp of the JWT must be a number"));
        assert_eq!(checked(json!({}), None), Ok(()));
    }

    #[test]
    fn a_token_for_others_is_refused() {
        for (claims, audience, expected) in [
            (json!({}), Some("us"), Ok(())),
            (json!({"aud": []}), Some("us"), Ok(())),
            (json!({"aud": null}), Some("us"), Ok(())),
            (json!({"aud": "us"}), Some("us"), Ok(())),
            (json!({"aud": ["them", "us"]}), Some("us"), Ok(())),
            (json!({"aud": "them"}), None, Ok(())),
            (json!({"aud": "them"}), Some("us"), refused("JWT not for this audience")),
            (json!({"aud": {}}), None, refused("aud of the JWT must be a text or an array of texts")),
            (
                json!({"aud": ["us", 1]}),
                Some("us"),
                refused("aud of the JWT must be a text or an array of texts"),
            ),
        ] {
            assert_eq!(checked(claims.clone(), audience), expected, "{claims}");
        }
    }

    #[test]
    fn the_role_may_be_deep_inside() {
        let claims = json!({"role": "a", "app": {"roles": ["b", "c"]}, "https://x/role": "d", "n": 1});
        let Value::Object(claims) = claims else { panic!("no object") };
        for (place, expected) in [
            ("role", Some("a")),
            ("/role", Some("a")),
            ("/app/roles/1", Some("c")),
            ("https://x/role", Some("d")),
            ("n", None),
            ("none", None),
            ("/app/none", None),
        ] {
            assert_eq!(role(&claims, place), expected, "{place}");
        }
    }
}
