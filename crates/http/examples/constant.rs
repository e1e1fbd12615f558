//! What the benchmark compares with: an axum route that reads a body and answers a constant, served as axum serves.

use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;

const ANSWER: &str = r#"{"meta":{"requestId":"req_7DghHSND9P4uhq88"},"data":{"valid":true,"code":"VALID","keyId":"key_Q7Uwc2TdGjYTAFv4J9tTTf","keyspaceId":"ks_7DghHTeGUn9VMJLt","enabled":true}}"#;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    let router = Router::new().route(
        "/v2/keys.verifyKey",
        post(|_: Bytes| async { ([(CONTENT_TYPE, "application/json")], ANSWER) }),
    );
    let listener = tokio::net::TcpListener::bind(address).await?;
    eprintln!("listens on http://{}", listener.local_addr()?);
    axum::serve(listener, router).await
}
