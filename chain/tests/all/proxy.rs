//! A node that fails at a chosen moment: forwards JSON-RPC to the real one, except where told otherwise.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fault {
    None = 0,
    /// `eth_sendRawTransaction` never reaches the chain; the connection breaks.
    BeforeSend = 1,
    /// The chain takes the transaction; the answer never arrives.
    AfterSend = 2,
    /// Nothing gets through.
    Down = 3,
    /// Takes every request and answers none.
    Silent = 4,
    /// Repeats what it answered before, as a node does that no longer follows the chain.
    Frozen = 5,
    /// Says that it is of chain 5.
    OtherChain = 6,
    /// Knows no block by its number and no receipt, as one that is behind.
    Forgetful = 15,
    /// Refuses every transaction.
    Refuses = 7,
    /// Answers with a page of HTML.
    Garbage = 8,
    /// Refuses logs of more than [`LOG_RANGE`] blocks at a time, as providers do.
    ShortLogs = 9,
    /// The chain takes the transaction; the answer is that the time for it ran out (−32002), as geth says.
    TimeoutAfterSend = 10,
    /// The same answer; the chain has not heard of the transaction.
    TimeoutBeforeSend = 11,
    /// The chain takes the transaction; the answer is an internal error (−32603).
    InternalAfterSend = 12,
    /// The same answer; the chain has not heard of the transaction.
    InternalBeforeSend = 13,
    /// The chain takes the transaction; the answer is that there is no money for it (−32003), as from another node behind the
    /// same address that is behind.
    RefusesAfterSend = 16,
    /// Says that it takes every transaction and that it is mined, in a block that nobody else knows.
    WrongReceipt = 17,
    /// Is asked too much (−32005) whenever it is to estimate gas.
    NoEstimates = 14,
}

/// An answer that says nothing about the transaction, and whether the chain hears of it all the same.
fn evasion(fault: u8) -> Option<(&'static str, bool)> {
    const TIMEOUT: &str =
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32002,"message":"request timed out"}}"#;
    const INTERNAL: &str =
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32603,"message":"Internal error"}}"#;
    const POOR: &str =
        r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32003,"message":"insufficient funds"}}"#;
    const TAKEN: &str = r#"{"jsonrpc":"2.0","id":1,"result":"0x1111111111111111111111111111111111111111111111111111111111111111"}"#;
    let faults = [
        (Fault::RefusesAfterSend, POOR, true),
        (Fault::WrongReceipt, TAKEN, false),
        (Fault::TimeoutAfterSend, TIMEOUT, true),
        (Fault::TimeoutBeforeSend, TIMEOUT, false),
        (Fault::InternalAfterSend, INTERNAL, true),
        (Fault::InternalBeforeSend, INTERNAL, false),
    ];
    let found = faults.into_iter().find(|(of, ..)| *of as u8 == fault)?;
    Some((found.1, found.2))
}

/// Blocks of one request for logs, under [`Fault::ShortLogs`].
pub const LOG_RANGE: u64 = 100;

/// Whether a request is for the logs of too many blocks.
fn is_too_long(text: &str) -> bool {
    let block = |name: &str| {
        let value = text.split(&format!("\"{name}\":\"")).nth(1)?;
        let value = value.split('"').next()?;
        // Providers take an open end for the whole chain.
        Some(u64::from_str_radix(value.trim_start_matches("0x"), 16).unwrap_or(u64::MAX))
    };
    match (block("fromBlock"), block("toBlock")) {
        (Some(from), Some(to)) => to.saturating_sub(from) >= LOG_RANGE,
        _ => false,
    }
}

/// Where the client is stopped for good: at which request, and on which side of its effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The chain has not heard of the request.
    Before,
    /// The chain has answered it; the client has not heard the answer.
    After,
}

struct Trap {
    remaining: u32,
    side: Side,
    sprung: Option<oneshot::Sender<()>>,
}

struct Shared {
    node: String,
    fault: AtomicU8,
    sends: Arc<AtomicU32>,
    requests: Arc<AtomicU32>,
    said: Mutex<HashMap<Vec<u8>, Vec<u8>>>,
    trap: Mutex<Option<Trap>>,
}

pub struct Proxy {
    pub url: String,
    shared: Arc<Shared>,
    /// Transactions that the client tried to send.
    pub sends: Arc<AtomicU32>,
    /// Requests of any kind.
    pub requests: Arc<AtomicU32>,
}

impl Proxy {
    pub async fn start(node: &str) -> Self {
        Self::listen(node, None).await
    }

    /// Behind HTTPS, with a certificate that nobody but the reader of the file `authority` trusts.
    pub async fn start_tls(node: &str, authority: &Path) -> Self {
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        std::fs::write(authority, own.cert.pem()).unwrap();
        let key = PrivateKeyDer::Pkcs8(own.key_pair.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![own.cert.der().clone()], key)
            .unwrap();
        Self::listen(node, Some(TlsAcceptor::from(Arc::new(config)))).await
    }

    async fn listen(node: &str, tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = match tls {
            Some(_) => format!("https://localhost:{port}"),
            None => format!("http://127.0.0.1:{port}"),
        };
        let shared = Arc::new(Shared {
            node: node.trim_start_matches("http://").to_owned(),
            fault: AtomicU8::new(0),
            sends: Arc::default(),
            requests: Arc::default(),
            said: Mutex::default(),
            trap: Mutex::default(),
        });
        let (sends, requests) = (Arc::clone(&shared.sends), Arc::clone(&shared.requests));
        let serving = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (shared, tls) = (Arc::clone(&serving), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        Some(tls) => serve(tls.accept(client).await.ok()?, &shared).await,
                        None => serve(client, &shared).await,
                    }
                });
            }
        });
        Self {
            url,
            shared,
            sends,
            requests,
        }
    }

    pub fn set(&self, fault: Fault) {
        self.shared.fault.store(fault as u8, Ordering::SeqCst);
    }

    /// Holds the client up for ever at its `at`-th step from now; tells when it has happened. Steps are requests that
    /// the queue makes on behalf of a transaction.
    pub fn trap(&self, at: u32, side: Side) -> oneshot::Receiver<()> {
        let (sprung, told) = oneshot::channel();
        *self.shared.trap.lock().unwrap() = Some(Trap {
            remaining: at,
            side,
            sprung: Some(sprung),
        });
        told
    }

    pub fn disarm(&self) {
        *self.shared.trap.lock().unwrap() = None;
    }
}

/// Whether this request belongs to a transaction's life; heads are asked for all the time, and change nothing.
fn is_step(text: &str) -> bool {
    [
        "eth_maxPriorityFeePerGas",
        "eth_getTransactionCount",
        "eth_estimateGas",
        "eth_sendRawTransaction",
        "eth_getTransactionReceipt",
    ]
    .iter()
    .any(|method| text.contains(method))
}

impl Shared {
    /// Counts a step; whether the trap springs now, and on which side.
    fn step(&self) -> Option<Side> {
        let mut trap = self.trap.lock().unwrap();
        let trap = trap.as_mut()?;
        trap.remaining = trap.remaining.saturating_sub(1);
        (trap.remaining == 0).then_some(trap.side)
    }

    /// Never returns.
    async fn spring(&self) {
        let sprung = self
            .trap
            .lock()
            .unwrap()
            .as_mut()
            .and_then(|t| t.sprung.take());
        if let Some(sprung) = sprung {
            let _ = sprung.send(());
        }
        std::future::pending::<()>().await;
    }

    async fn ask(&self, request: &[u8]) -> Option<Vec<u8>> {
        let mut upstream = TcpStream::connect(&self.node).await.ok()?;
        upstream.write_all(request).await.ok()?;
        read_message(&mut upstream).await
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(mut client: S, shared: &Shared) -> Option<()> {
    loop {
        let request = read_message(&mut client).await?;
        shared.requests.fetch_add(1, Ordering::SeqCst);
        let fault = shared.fault.load(Ordering::SeqCst);
        let is = |f: Fault| fault == f as u8;
        let text = String::from_utf8_lossy(&request).into_owned();
        let sending = text.contains("eth_sendRawTransaction");
        if sending {
            shared.sends.fetch_add(1, Ordering::SeqCst);
        }
        let side = if is_step(&text) { shared.step() } else { None };
        if side == Some(Side::Before) {
            shared.spring().await;
        }
        if is(Fault::Down) || (sending && is(Fault::BeforeSend)) {
            return None;
        }
        if is(Fault::Silent) {
            std::future::pending::<()>().await;
        }
        if is(Fault::Garbage) {
            client
                .write_all(&http("<html>no node here</html>"))
                .await
                .ok()?;
            continue;
        }
        let stale = is(Fault::Frozen).then(|| shared.said.lock().unwrap().get(&request).cloned());
        let answer = if let Some(stale) = stale.flatten() {
            stale
        } else if is(Fault::OtherChain) && text.contains("eth_chainId") {
            http(r#"{"jsonrpc":"2.0","id":1,"result":"0x5"}"#)
        } else if is(Fault::Forgetful) && is_about_past(&text) {
            http(r#"{"jsonrpc":"2.0","id":1,"result":null}"#)
        } else if is(Fault::WrongReceipt) && text.contains("eth_getTransactionReceipt") {
            http(&receipt())
        } else if is(Fault::ShortLogs) && is_too_long(&text) {
            http(
                r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32600,"message":"up to a 100 block range"}}"#,
            )
        } else if is(Fault::Refuses) && sending {
            http(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"not today"}}"#)
        } else if is(Fault::NoEstimates) && text.contains("eth_estimateGas") {
            http(r#"{"jsonrpc":"2.0","id":1,"error":{"code":-32005,"message":"limit exceeded"}}"#)
        } else if sending && let Some((answer, forwards)) = evasion(fault) {
            if forwards {
                shared.ask(&request).await?;
            }
            http(answer)
        } else {
            shared.ask(&request).await?
        };
        if side == Some(Side::After) {
            shared.spring().await;
        }
        if sending && is(Fault::AfterSend) {
            return None;
        }
        shared.said.lock().unwrap().insert(request, answer.clone());
        client.write_all(&answer).await.ok()?;
    }
}

/// Of a transaction of no interest, in the first block, which has another hash.
fn receipt() -> String {
    let (hash, account) = ("ab".repeat(32), "ab".repeat(20));
    let bloom = "00".repeat(256);
    format!(
        r#"{{"jsonrpc":"2.0","id":1,"result":{{"transactionHash":"0x{hash}","transactionIndex":"0x0","blockHash":"0x{hash}","blockNumber":"0x1","from":"0x{account}","to":"0x{account}","cumulativeGasUsed":"0x5208","gasUsed":"0x5208","contractAddress":null,"logs":[],"logsBloom":"0x{bloom}","status":"0x1","type":"0x2","effectiveGasPrice":"0x1"}}}}"#
    )
}

fn is_about_past(text: &str) -> bool {
    text.contains("eth_getTransactionReceipt")
        || (text.contains("eth_getBlockByNumber") && !text.contains("latest"))
}

fn http(body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// A head and as many bytes as its `content-length` says.
async fn read_message<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut part = [0u8; 16 * 1024];
    loop {
        let n = stream.read(&mut part).await.ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&part[..n]);
        let Some(head) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes[..head]).to_lowercase();
        let length: usize = text
            .lines()
            .find_map(|l| l.strip_prefix("content-length:"))
            .map_or(0, |v| v.trim().parse().unwrap());
        while bytes.len() < head + 4 + length {
            let n = stream.read(&mut part).await.ok().filter(|n| *n > 0)?;
            bytes.extend_from_slice(&part[..n]);
        }
        return Some(bytes);
    }
}
