//! What can be set: every flag has an environment variable, and `--help` is the documentation.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use clap::{Parser, ValueEnum};
use ipnet::IpNet;

/// Unkey's v2 API over HTTP, in front of a Postgres with the unkey extension.
///
/// POST /v2/<operation> is one call of unkey_api, under any path prefix. GET /v2/liveness, /health (this process lives),
/// /ready (the database answers), /metrics (Prometheus) and /openapi.json need no key. SIGTERM or SIGINT ends it when
/// what was accepted is finished. The database role needs SELECT unkey_grant('<role>', 'api').
#[derive(Parser)]
#[command(name = "unkey-http", version)]
pub struct Settings {
    /// Where the database is: postgres://user:password@host:port/database or host=… user=…; sslmode (disable, prefer,
    /// require, verify-ca, verify-full), sslrootcert, sslcert and sslkey mean what they mean to libpq
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: String,

    /// Address and port to listen on, or none
    #[arg(long, env = "UNKEY_LISTEN", default_value = "127.0.0.1:8080", value_parser = listen)]
    pub listen: Listen,

    /// Unix socket to listen on as well; an old one is replaced
    #[arg(long, env = "UNKEY_UNIX_SOCKET", value_name = "PATH")]
    pub unix_socket: Option<PathBuf>,

    /// Address and port for /metrics, /health and /ready, which are then nowhere else
    #[arg(long, env = "UNKEY_ADMIN_LISTEN", value_name = "ADDRESS")]
    pub admin_listen: Option<SocketAddr>,

    /// Database connections for everything but verifications
    #[arg(long, env = "UNKEY_POOL_SIZE", default_value_t = 10, value_parser = positive)]
    pub pool_size: usize,

    /// Calls that may wait for one of these connections; more are answered 503 at once
    #[arg(long, env = "UNKEY_POOL_WAITING", default_value_t = 100)]
    pub pool_waiting: usize,

    /// How long a call waits for a connection before it is answered 503
    #[arg(long, env = "UNKEY_POOL_TIMEOUT", default_value = "1s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub pool_timeout: Duration,

    /// Database connections that verifications share
    #[arg(long, env = "UNKEY_VERIFY_CONNECTIONS", default_value_t = 2, value_parser = positive)]
    pub verify_connections: usize,

    /// Verifications that may wait for one of these connections; more are answered 503 at once
    #[arg(long, env = "UNKEY_VERIFY_WAITING", default_value_t = 4096, value_parser = positive)]
    pub verify_waiting: usize,

    /// Most verifications in one statement; a lone one never waits for others
    #[arg(long, env = "UNKEY_VERIFY_BATCH", default_value_t = 100, value_parser = positive)]
    pub verify_batch: usize,

    /// How long a body may take to arrive, and the database to answer
    #[arg(long, env = "UNKEY_REQUEST_TIMEOUT", default_value = "30s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub request_timeout: Duration,

    /// How long the headers of a request may take to arrive; an idle connection is closed after as long (HTTP/2: at most
    /// twice), and so is one whose client reads nothing of what it is sent
    #[arg(long, env = "UNKEY_HEADER_TIMEOUT", default_value = "75s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub header_timeout: Duration,

    /// Longest body of a request; longer ones are answered 413
    #[arg(long, env = "UNKEY_BODY_LIMIT", default_value = "4MiB", value_name = "SIZE")]
    pub body_limit: ByteSize,

    /// Connections of clients served at a time; others wait to be accepted
    #[arg(long, env = "UNKEY_MAX_CONNECTIONS", default_value_t = 10_000, value_parser = positive)]
    pub max_connections: usize,

    /// How long it may take to finish what was accepted when told to stop
    #[arg(long, env = "UNKEY_SHUTDOWN_GRACE", default_value = "30s", value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub shutdown_grace: Duration,

    /// Networks of proxies whose X-Forwarded-For is believed, separated by commas; unix stands for clients of the Unix
    /// socket
    #[arg(long, env = "UNKEY_TRUSTED_PROXIES", value_delimiter = ',', value_name = "CIDR", value_parser = proxy)]
    pub trusted_proxies: Vec<Proxy>,

    /// Origins whose web pages may call, separated by commas, or *; default none
    #[arg(long, env = "UNKEY_CORS_ORIGINS", value_delimiter = ',', value_name = "ORIGIN")]
    pub cors_origins: Vec<String>,

    /// Database role of those who call /rpc without a JWT; without it they can't
    #[arg(long, env = "UNKEY_ANONYMOUS_ROLE", value_name = "ROLE")]
    pub anonymous_role: Option<String>,

    /// What signs the JWTs of /rpc: a text of at least 32 bytes (HS256), a JWK or JWKS, or @ and a file with one of
    /// these; without it and without an anonymous role there is no /rpc
    #[arg(long, env = "UNKEY_JWT_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub jwt_secret: Option<String>,

    /// Whom a JWT must be for, if it says so; default anybody
    #[arg(long, env = "UNKEY_JWT_AUDIENCE", value_name = "AUDIENCE")]
    pub jwt_audience: Option<String>,

    /// Claim of a JWT that names its database role, or a path such as /app_metadata/role
    #[arg(long, env = "UNKEY_JWT_ROLE_CLAIM", value_name = "CLAIM", default_value = "role")]
    pub jwt_role_claim: String,

    /// Schema whose functions /rpc serves beside those of the extension
    #[arg(long, env = "UNKEY_RPC_SCHEMA", value_name = "SCHEMA")]
    pub rpc_schema: Option<String>,

    /// Function that /rpc calls in each transaction before the one asked for, with its schema, such as public.unkey_pre_request;
    /// a bearer token that is no JWT is then left to it
    #[arg(long, env = "UNKEY_PRE_REQUEST", value_name = "FUNCTION", value_parser = function)]
    pub pre_request: Option<FunctionName>,

    /// Form of the log on standard error
    #[arg(long, env = "UNKEY_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,

    /// What is logged: a level, or filters such as info,unkey_http::access=debug for a line per request
    #[arg(long, env = "UNKEY_LOG", default_value = "info", value_name = "FILTER")]
    pub log: String,
}

/// Where to listen for TCP.
#[derive(Clone, Copy)]
pub enum Listen {
    /// Nowhere.
    None,
    /// There.
    Address(SocketAddr),
}

/// Whose X-Forwarded-For is believed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Proxy {
    /// Peers of the Unix socket.
    Unix,
    /// Peers in this network.
    Network(IpNet),
}

/// A function by its schema and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FunctionName {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
}

/// Form of the log.
#[derive(Clone, Copy, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object per line.
    Json,
}

fn listen(text: &str) -> Result<Listen, String> {
    if text == "none" {
        return Ok(Listen::None);
    }
    let address = text.parse().map_err(|_| "must be an address and a port, such as 127.0.0.1:8080, or none");
    Ok(Listen::Address(address?))
}

fn function(text: &str) -> Result<FunctionName, String> {
    match text.split('.').collect::<Vec<_>>()[..] {
        [schema, name] if !schema.is_empty() && !name.is_empty() => {
            Ok(FunctionName { schema: schema.to_owned(), name: name.to_owned() })
        }
        _ => Err("must be a schema and the name of a function, such as public.unkey_pre_request".to_owned()),
    }
}

fn proxy(text: &str) -> Result<Proxy, String> {
    if text == "unix" {
        return Ok(Proxy::Unix);
    }
    let network = unkey_core::network::read(text).ok_or("must be an address, a CIDR range or unix")?;
    Ok(Proxy::Network(network))
}

fn positive(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| "must be at least 1".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Settings::command().debug_assert();
    }

    #[test]
    fn every_setting_has_a_variable_and_a_description() {
        for argument in Settings::command().get_arguments() {
            assert!(argument.get_env().is_some(), "{}", argument.get_id());
            assert!(argument.get_help().is_some(), "{}", argument.get_id());
        }
    }

    #[test]
    fn a_function_has_a_schema() {
        assert_eq!(function("a.b"), Ok(FunctionName { schema: "a".to_owned(), name: "b".to_owned() }));
        for wrong in ["b", ".b", "a.", "a.b.c", ""] {
            assert!(function(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn values_have_units() {
        let settings = Settings::try_parse_from([
            "unkey-http",
            "--database-url=postgres://",
            "--pool-timeout=250ms",
            "--body-limit=2MiB",
            "--trusted-proxies=10.0.0.0/8,::1,unix",
        ]);
        let settings = settings.map_err(|error| error.to_string()).unwrap();
        assert_eq!(settings.pool_timeout, Duration::from_millis(250));
        assert_eq!(settings.body_limit.as_u64(), 2 << 20);
        assert_eq!(settings.trusted_proxies.len(), 3);
        assert!(Settings::try_parse_from(["unkey-http", "--database-url=x", "--pool-size=0"]).is_err());
    }
}
