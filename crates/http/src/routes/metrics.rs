//! `/metrics`: the server's own figures, and those of the extension.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use crate::App;
use crate::db::Connection;
use crate::db::failure::describe;
use crate::probe::Question;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Those of the extension, as text.
pub struct Figures;

/// Figures in OpenMetrics text. `unkey_up` is 0 when the database did not answer; its figures are missing then.
pub async fn metrics(State(app): State<Arc<App>>) -> Response {
    app.gauge();
    let mut text = app.metrics.text();
    let extension = app.figures.answer().await;
    let up = u8::from(extension.is_ok());
    let _ = write!(
        text,
        "# HELP unkey_up Whether the database answered.\n# TYPE unkey_up gauge\nunkey_up {up}\n"
    );
    match extension {
        Ok(figures) => text.push_str(&figures),
        Err(problem) => tracing::warn!(problem, "no figures of the extension"),
    }
    text.push_str("# EOF\n");
    ([(CONTENT_TYPE, OPENMETRICS)], text).into_response()
}

impl Question for Figures {
    type Answer = Arc<str>;

    async fn ask(connection: &Connection) -> Result<Arc<str>, String> {
        let rows = connection
            .query("SELECT name, type, help, labels, value FROM unkey.metrics ORDER BY name, labels", &[])
            .await
            .map_err(|error| describe(&error))?;
        let mut text = String::new();
        let mut last = String::new();
        for row in rows {
            let read = |at| row.try_get::<_, String>(at).map_err(|error| describe(&error));
            let (name, kind, help, labels) = (read(0)?, read(1)?, read(2)?, read(3)?);
            let value: f64 = row.try_get(4).map_err(|error| describe(&error))?;
            if name != last {
                let family = name.strip_suffix("_total").unwrap_or(&name);
                let _ = write!(text, "# HELP {family} {help}\n# TYPE {family} {kind}\n");
            }
            let labels = if labels.is_empty() { labels } else { format!("{{{labels}}}") };
            let _ = writeln!(text, "{name}{labels} {value}");
            last = name;
        }
        Ok(text.into())
    }
}
