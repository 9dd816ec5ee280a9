//! JSON-RPC to one endpoint, over HTTP or HTTPS.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use alloy_primitives::Bytes;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::rpc::RpcError;
use crate::rpc::endpoints;

/// Most bytes of an answer: a piece of history with all its logs is a few MiB.
const ANSWER_LIMIT: usize = 64 << 20;

/// What JSON-RPC answers.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    result: Value,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    message: String,
    data: Option<Value>,
}

/// One endpoint. Cheap to clone; connections are kept open between requests.
#[derive(Clone)]
pub(crate) struct Transport {
    client: reqwest::Client,
    url: reqwest::Url,
    name: Arc<str>,
}

impl std::fmt::Debug for Transport {
    /// The URL may hold a provider's key.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Transport").field(&self.name).finish()
    }
}

impl Transport {
    /// The HTTP client for all endpoints of one list; certificates are read only where one of them needs them.
    pub fn client(
        urls: &[reqwest::Url],
        authority: Option<&Path>,
    ) -> Result<reqwest::Client, RpcError> {
        let needed = urls.iter().any(|url| url.scheme() == "https");
        let roots = if needed {
            roots(authority)?
        } else {
            rustls::RootCertStore::empty()
        };
        let bad = |reason: String| RpcError::Certificates { reason };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| bad(e.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        reqwest::Client::builder()
            // A proxy from the environment would carry loopback requests off the machine.
            .no_proxy()
            // A redirection would carry signed transactions to a host that nobody has named.
            .redirect(reqwest::redirect::Policy::none())
            .tls_backend_preconfigured(tls)
            .build()
            .map_err(|e| bad(innermost(&e)))
    }

    pub fn new(client: reqwest::Client, url: reqwest::Url) -> Self {
        let name = endpoints::name(&url).into();
        Self { client, url, name }
    }

    /// Scheme, host and port.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// One request, at most `limit` long; `null` is a value of `R` where the method allows it.
    pub async fn request<R: DeserializeOwned>(
        &self,
        method: &'static str,
        params: &Value,
        limit: Duration,
    ) -> Result<R, RpcError> {
        match tokio::time::timeout(limit, self.answer(method, params)).await {
            Err(_) => Err(RpcError::Timeout { method, limit }),
            Ok(answer) => serde_json::from_value(answer?).map_err(|e| RpcError::Malformed {
                method,
                reason: e.to_string(),
            }),
        }
    }

    async fn answer(&self, method: &'static str, params: &Value) -> Result<Value, RpcError> {
        let away = |e: reqwest::Error| RpcError::Unreachable {
            method,
            reason: innermost(&e),
        };
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request = self
            .client
            .post(self.url.clone())
            .header("content-type", "application/json")
            .body(body.to_string());
        let mut response = request.send().await.map_err(away)?;
        let status = response.status();
        let mut bytes = Vec::new();
        while let Some(part) = response.chunk().await.map_err(away)? {
            if bytes.len() + part.len() > ANSWER_LIMIT {
                let reason = format!("more than {} MiB", ANSWER_LIMIT >> 20);
                return Err(RpcError::Malformed { method, reason });
            }
            bytes.extend_from_slice(&part);
        }
        // Some nodes give errors of JSON-RPC another status than 200; a provider that is asked too often or without
        // its key says so by the status.
        match serde_json::from_slice::<Answer>(&bytes) {
            Ok(answer) if status.is_success() || answer.error.is_some() && !is_away(status) => {
                match answer.error {
                    None => Ok(answer.result),
                    Some(refusal) => Err(RpcError::Refused {
                        method,
                        code: refusal.code,
                        message: refusal.message,
                        data: refusal.data.as_ref().and_then(revert_bytes),
                    }),
                }
            }
            Err(e) if status.is_success() => Err(RpcError::Malformed {
                method,
                reason: e.to_string(),
            }),
            _ => Err(RpcError::Unreachable {
                method,
                reason: format!("HTTP status {status}"),
            }),
        }
    }
}

/// Statuses that say nothing about the request: no key, too many requests, a gateway without a node behind it.
fn is_away(status: reqwest::StatusCode) -> bool {
    matches!(status.as_u16(), 401 | 403 | 404 | 429 | 502 | 503 | 504)
}

/// The system's certificates and those of the given file.
fn roots(authority: Option<&Path>) -> Result<rustls::RootCertStore, RpcError> {
    let bad = |reason: String| RpcError::Certificates { reason };
    let mut roots = rustls::RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(system.certs);
    if let Some(path) = authority {
        let shown = path.display();
        let wrong = |e: &dyn std::fmt::Display| bad(format!("{shown}: {e}"));
        for certificate in CertificateDer::pem_file_iter(path).map_err(|e| wrong(&e))? {
            let certificate = certificate.map_err(|e| wrong(&e))?;
            roots.add(certificate).map_err(|e| wrong(&e))?;
        }
    }
    if roots.is_empty() {
        let reasons: Vec<_> = system.errors.iter().map(ToString::to_string).collect();
        return Err(bad(format!(
            "this machine has none ({}); install its ca-certificates, or name a file by `rpc_ca`",
            reasons.join("; ")
        )));
    }
    Ok(roots)
}

/// Revert data as nodes wrap it: the hex string itself, or an object that holds it under `data` or `result`.
fn revert_bytes(data: &Value) -> Option<Bytes> {
    match data {
        Value::String(text) => {
            let digits = text.strip_prefix("Reverted ").unwrap_or(text);
            hex::decode(digits.strip_prefix("0x")?)
                .ok()
                .map(Bytes::from)
        }
        Value::Object(fields) => ["data", "result"]
            .iter()
            .find_map(|k| fields.get(*k).and_then(revert_bytes)),
        _ => None,
    }
}

/// The deepest cause: the HTTP client's own sentence repeats the address and little else.
fn innermost(error: &dyn std::error::Error) -> String {
    let mut deepest = error;
    while let Some(source) = deepest.source() {
        deepest = source;
    }
    deepest.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revert_data_in_every_wrapping() {
        let expected = Some(Bytes::from_static(&[0xab, 0xcd]));
        assert_eq!(revert_bytes(&json!("0xabcd")), expected);
        assert_eq!(revert_bytes(&json!("Reverted 0xabcd")), expected);
        assert_eq!(
            revert_bytes(&json!({ "data": { "result": "0xabcd" } })),
            expected
        );
        assert_eq!(revert_bytes(&json!("no hex")), None);
    }
}
