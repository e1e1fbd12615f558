//! Which database, and how to reach it: libpq's words, also those that tokio-postgres leaves to its TLS library.

use std::error::Error;
use std::time::Duration;

use openssl::ssl::{SslConnector, SslFiletype, SslMethod, SslVerifyMode};
use postgres_openssl::MakeTlsConnector;
use tokio_postgres::{Client, Config};

const KEEPALIVE: Duration = Duration::from_secs(10);

/// A database and the way to it. Holds a password, so it has no `Debug`.
#[derive(Clone)]
pub struct Target {
    /// As tokio-postgres takes it.
    pub config: Config,
    /// Makes what encrypts a connection.
    pub tls: MakeTlsConnector,
}

/// What libpq knows about TLS and tokio-postgres does not.
#[derive(Default)]
struct Tls {
    mode: Option<String>,
    root: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

impl Target {
    /// Reads `postgres://…` or `key=value` text. Statements may take `timeout`.
    ///
    /// # Errors
    /// What is wrong with the text or with a file it names; never repeats the text, which holds a password.
    pub fn read(url: &str, timeout: Duration) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let (mut tls, mut rest) = (Tls::default(), String::new());
        let is_url = url.starts_with("postgres://") || url.starts_with("postgresql://");
        if is_url {
            tls.take_from_url(url, &mut rest)
        } else {
            tls.take_from_pairs(url, &mut rest)
        }
        let mut config: Config =
            rest.parse().map_err(|error| format!("the database URL is malformed: {error}"))?;
        config.ssl_mode(tls.requirement()?);
        if config.get_application_name().is_none() {
            config.application_name("unkey-http");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        // A database that vanished from the network is noticed, whether anything was sent to it or not.
        config.keepalives_idle(KEEPALIVE).keepalives_interval(KEEPALIVE).keepalives_retries(3);
        config.tcp_user_timeout(timeout);
        let milliseconds = timeout.as_millis();
        let given = config.get_options().unwrap_or_default();
        config.options(format!(
            "{given} -c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds} \
            -c default_transaction_isolation=read\\ committed"
        ));
        Ok(Self { config, tls: tls.connector()? })
    }

    /// The same, whose statements wait no longer than this for a lock.
    #[must_use]
    pub fn with_lock_timeout(&self, timeout: Duration) -> Self {
        let mut hasty = self.clone();
        let given = self.config.get_options().unwrap_or_default();
        hasty.config.options(format!("{given} -c lock_timeout={}", timeout.as_millis()));
        hasty
    }
}

/// Makes the functions of the extension known by their bare names, wherever it is installed.
///
/// # Errors
/// What the database says; the extension may not be there.
pub async fn prepare_session(client: &Client) -> Result<(), tokio_postgres::Error> {
    client
        .batch_execute(
            "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_catalog.pg_extension WHERE extname = 'unkey') THEN
                RAISE undefined_object USING MESSAGE = 'this database has no extension unkey';
            END IF; END $$;
            SELECT pg_catalog.set_config('search_path', 'pg_catalog, ' || extnamespace::regnamespace, false)
            FROM pg_catalog.pg_extension WHERE extname = 'unkey'",
        )
        .await
}

impl Tls {
    fn take_from_url(&mut self, url: &str, rest: &mut String) {
        let (base, query) = url.split_once('?').unwrap_or((url, ""));
        let kept: Vec<_> = query.split('&').filter(|pair| !pair.is_empty() && !self.take(pair)).collect();
        *rest = if kept.is_empty() { base.to_owned() } else { format!("{base}?{}", kept.join("&")) };
    }

    fn take_from_pairs(&mut self, text: &str, rest: &mut String) {
        let kept: Vec<_> = text.split_whitespace().filter(|pair| !self.take(pair)).collect();
        // Spaces inside quotes are kept as they are unless one of our words stands between them.
        *rest = if kept.len() == text.split_whitespace().count() { text.to_owned() } else { kept.join(" ") };
    }

    /// Takes a pair if it is one of ours.
    fn take(&mut self, pair: &str) -> bool {
        let Some((name, value)) = pair.split_once('=') else { return false };
        let field = match name {
            "sslmode" => &mut self.mode,
            "sslrootcert" => &mut self.root,
            "sslcert" => &mut self.certificate,
            "sslkey" => &mut self.key,
            _ => return false,
        };
        *field = Some(value.trim_matches('\'').replace("%2F", "/"));
        true
    }

    fn requirement(&self) -> Result<tokio_postgres::config::SslMode, String> {
        use tokio_postgres::config::SslMode;
        match self.mode.as_deref() {
            Some("disable") => Ok(SslMode::Disable),
            None | Some("prefer" | "allow") => Ok(SslMode::Prefer),
            Some("require" | "verify-ca" | "verify-full") => Ok(SslMode::Require),
            Some(_) => {
                Err("sslmode must be disable, allow, prefer, require, verify-ca or verify-full".to_owned())
            }
        }
    }

    fn connector(&self) -> Result<MakeTlsConnector, Box<dyn Error + Send + Sync>> {
        let mode = self.mode.as_deref();
        let mut builder = SslConnector::builder(SslMethod::tls_client())?;
        if let Some(file) = self.root.as_deref().filter(|name| *name != "system") {
            builder.set_ca_file(file).map_err(|error| format!("sslrootcert can't be read: {error}"))?;
        }
        if let Some(file) = &self.certificate {
            builder
                .set_certificate_chain_file(file)
                .map_err(|error| format!("sslcert can't be read: {error}"))?;
        }
        if let Some(file) = &self.key {
            builder
                .set_private_key_file(file, SslFiletype::PEM)
                .map_err(|error| format!("sslkey can't be read: {error}"))?;
        }
        // As libpq: require verifies nothing unless there is a root certificate to verify with.
        let names_matter = mode == Some("verify-full");
        if !names_matter && mode != Some("verify-ca") && !(mode == Some("require") && self.root.is_some()) {
            builder.set_verify(SslVerifyMode::NONE);
        }
        let mut connector = MakeTlsConnector::new(builder.build());
        connector.set_callback(move |connection, _| {
            connection.set_verify_hostname(names_matter);
            Ok(())
        });
        Ok(connector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_postgres::config::SslMode;

    fn read(url: &str) -> Result<Config, String> {
        let target = Target::read(url, Duration::from_secs(30));
        target.map(|target| target.config).map_err(|error| error.to_string())
    }

    #[test]
    fn libpqs_words_about_tls_are_understood() {
        for (word, mode) in [
            ("?sslmode=verify-full", SslMode::Require),
            ("?sslmode=disable&connect_timeout=3", SslMode::Disable),
            ("?connect_timeout=3", SslMode::Prefer),
            ("", SslMode::Prefer),
        ] {
            let config = read(&format!("postgres://user:secret@db.example:6432/app{word}")).unwrap();
            assert_eq!(config.get_ssl_mode(), mode, "{word}");
            assert_eq!(config.get_dbname(), Some("app"), "{word}");
        }
        let config = read("host=/run/postgresql user=app sslmode=require dbname=app").unwrap();
        assert_eq!((config.get_ssl_mode(), config.get_user()), (SslMode::Require, Some("app")));
    }

    #[test]
    fn statements_end_in_time() {
        let options = read("postgres://db/app").unwrap().get_options().map(str::to_owned);
        assert!(options.unwrap().contains("statement_timeout=30000"));
    }

    #[test]
    fn what_is_wrong_is_said_without_the_password() {
        for url in
            ["postgres://u:secret@h:port/d", "postgres://u:secret@h/d?sslmode=verify-full&sslrootcert=/none"]
        {
            let error = read(url).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        assert!(read("postgres://h/d?sslmode=maybe").unwrap_err().contains("sslmode"));
    }
}
