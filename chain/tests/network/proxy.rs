//! A node that fails at a chosen moment: forwards JSON-RPC to the real one, except where told otherwise.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

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
}

pub struct Proxy {
    pub url: String,
    fault: Arc<AtomicU8>,
    /// Transactions that the client tried to send.
    pub sends: Arc<AtomicU32>,
}

impl Proxy {
    pub async fn start(node: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let node = node.trim_start_matches("http://").to_owned();
        let (fault, sends) = (Arc::new(AtomicU8::new(0)), Arc::new(AtomicU32::new(0)));
        let (shared_fault, shared_sends) = (Arc::clone(&fault), Arc::clone(&sends));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (node, fault, sends) = (
                    node.clone(),
                    Arc::clone(&shared_fault),
                    Arc::clone(&shared_sends),
                );
                tokio::spawn(async move { serve(client, &node, &fault, &sends).await });
            }
        });
        Self { url, fault, sends }
    }

    pub fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }
}

/// One request per connection, which both sides allow.
async fn serve(
    mut client: TcpStream,
    node: &str,
    fault: &AtomicU8,
    sends: &AtomicU32,
) -> Option<()> {
    loop {
        let request = read_message(&mut client).await?;
        let fault = fault.load(Ordering::SeqCst);
        let text = String::from_utf8_lossy(&request);
        let sending = text.contains("eth_sendRawTransaction");
        if sending {
            sends.fetch_add(1, Ordering::SeqCst);
        }
        if fault == Fault::Down as u8 || (sending && fault == Fault::BeforeSend as u8) {
            return None;
        }
        let mut upstream = TcpStream::connect(node).await.ok()?;
        upstream.write_all(&request).await.ok()?;
        let answer = read_message(&mut upstream).await?;
        if sending && fault == Fault::AfterSend as u8 {
            return None;
        }
        client.write_all(&answer).await.ok()?;
    }
}

/// A head and as many bytes as its `content-length` says.
async fn read_message(stream: &mut TcpStream) -> Option<Vec<u8>> {
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
