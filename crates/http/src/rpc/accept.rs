//! `Accept`: as what the result is sent.

use axum::http::StatusCode;

use super::catalog::{Function, Shape};
use super::error::{Error, Result};

/// Content type of nearly all replies.
pub const JSON: &str = "application/json; charset=utf-8";

/// One of the forms of a reply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Form {
    /// JSON as the function returns it: an array for a set.
    Json,
    /// A JSON array, whose rows may leave out what is null.
    Array {
        /// Whether they do.
        stripped: bool,
    },
    /// A JSON object; there must be exactly one.
    Object {
        /// Whether it leaves out what is null.
        stripped: bool,
    },
    /// Comma-separated values under a line of names.
    Csv,
    /// The text of a value.
    Text,
    /// The same, for those who want no charset; bytes as they are.
    Bytes,
}

impl Form {
    /// The form that is wanted most of those that `function` has.
    ///
    /// # Errors
    /// If it has none of them.
    pub fn negotiate(accept: &str, function: &Function) -> Result<Self> {
        let mut wanted: Vec<_> = accept.split(',').map(Wanted::parse).collect();
        wanted.sort_by(|a, b| b.quality.total_cmp(&a.quality));
        let mut forms = wanted.iter().filter(|wanted| wanted.quality > 0.0).filter_map(Wanted::form);
        forms.find(|form| form.fits(function)).ok_or_else(|| unacceptable(accept))
    }

    fn fits(self, function: &Function) -> bool {
        match self {
            Self::Text | Self::Bytes => function.shape != Shape::Row && !function.set,
            _ => true,
        }
    }

    /// `Content-Type`.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => JSON,
            Self::Array { stripped: false } => "application/vnd.pgrst.array+json; charset=utf-8",
            Self::Array { stripped: true } => {
                "application/vnd.pgrst.array+json;nulls=stripped; charset=utf-8"
            }
            Self::Object { stripped: false } => "application/vnd.pgrst.object+json; charset=utf-8",
            Self::Object { stripped: true } => {
                "application/vnd.pgrst.object+json;nulls=stripped; charset=utf-8"
            }
            Self::Csv => "text/csv; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
            Self::Bytes => "application/octet-stream",
        }
    }
}

struct Wanted {
    media_type: String,
    stripped: bool,
    quality: f32,
}

impl Wanted {
    fn parse(text: &str) -> Self {
        let mut parts = text.split(';').map(|part| part.trim().to_ascii_lowercase());
        let mut wanted = Self { media_type: parts.next().unwrap_or_default(), stripped: false, quality: 1.0 };
        for parameter in parts {
            if let Some(quality) = parameter.strip_prefix("q=") {
                wanted.quality = quality.parse().unwrap_or(0.0);
            }
            wanted.stripped |= parameter == "nulls=stripped";
        }
        wanted
    }

    fn form(&self) -> Option<Form> {
        let stripped = self.stripped;
        match self.media_type.as_str() {
            "" | "*/*" | "application/*" | "application/json" => Some(Form::Json),
            "application/vnd.pgrst.array+json" | "application/vnd.pgrst.array" => {
                Some(Form::Array { stripped })
            }
            "application/vnd.pgrst.object+json" | "application/vnd.pgrst.object" => {
                Some(Form::Object { stripped })
            }
            "text/csv" => Some(Form::Csv),
            "text/plain" => Some(Form::Text),
            "application/octet-stream" => Some(Form::Bytes),
            _ => None,
        }
    }
}

fn unacceptable(accept: &str) -> Error {
    Error::new(
        StatusCode::NOT_ACCEPTABLE,
        "PGRST107",
        format!("the result can't be sent as any of: {accept}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn negotiated(accept: &str, shape: Shape, set: bool) -> Option<Form> {
        let function = Function { shape, set, ..Function::with_arguments("f", &[]) };
        Form::negotiate(accept, &function).ok()
    }

    #[test]
    fn the_most_wanted_form_that_there_is() {
        for (accept, expected) in [
            ("", Some(Form::Json)),
            ("*/*", Some(Form::Json)),
            ("application/json", Some(Form::Json)),
            ("image/png, application/json;q=0.5, text/csv;q=0.9", Some(Form::Csv)),
            ("application/vnd.pgrst.object+json;nulls=stripped", Some(Form::Object { stripped: true })),
            ("application/vnd.pgrst.object+json", Some(Form::Object { stripped: false })),
            ("application/vnd.pgrst.array+json; nulls=stripped", Some(Form::Array { stripped: true })),
            ("text/plain, application/json", Some(Form::Json)),
            ("text/plain", None),
            ("application/json;q=0", None),
            ("image/png", None),
        ] {
            assert_eq!(negotiated(accept, Shape::Row, true), expected, "{accept}");
        }
    }

    #[test]
    fn a_single_value_can_be_had_bare() {
        assert_eq!(negotiated("text/plain", Shape::Scalar, false), Some(Form::Text));
        assert_eq!(negotiated("application/octet-stream", Shape::Scalar, false), Some(Form::Bytes));
        assert_eq!(negotiated("text/plain", Shape::Scalar, true), None);
    }

    #[test]
    fn what_is_not_had_is_406() {
        let error = Form::negotiate("image/png", &Function::with_arguments("f", &[])).unwrap_err();
        assert_eq!((error.status.as_u16(), error.body.code.as_str()), (406, "PGRST107"));
    }
}
