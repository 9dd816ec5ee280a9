//! JSON-RPC to a chain on this machine over one kept connection: thousands of small requests in a row.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use alloy_primitives::{Address, Bytes, U256, hex};
use serde_json::{Value, json};

/// Gas of every transaction: more than any of them needs.
const GAS: &str = "0x5b8d80";

pub struct Rpc {
    stream: BufReader<TcpStream>,
    host: String,
    id: u64,
}

/// What became of a transaction.
pub struct Mined {
    pub succeeded: bool,
    pub block: u64,
    /// First topics of its logs.
    pub events: Vec<String>,
    pub created: Option<Address>,
}

impl Rpc {
    pub fn new(url: &str) -> Self {
        let host = url.trim_start_matches("http://").to_owned();
        let stream = TcpStream::connect(&host).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream: BufReader::new(stream),
            host,
            id: 0,
        }
    }

    /// The answer's result, or what the node refuses with.
    pub fn ask(&mut self, method: &str, params: Value) -> Result<Value, String> {
        self.id += 1;
        let body = json!({"jsonrpc": "2.0", "id": self.id, "method": method, "params": params})
            .to_string();
        let host = &self.host;
        let request = format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.get_mut().write_all(request.as_bytes()).unwrap();
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            let line = line.to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        self.stream.read_exact(&mut answer).unwrap();
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        match answer.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(answer["result"].take()),
        }
    }

    /// Sends from an account that the chain impersonates, and waits for the block.
    pub fn send(&mut self, from: Address, to: Option<Address>, data: Vec<u8>, wei: U256) -> Mined {
        let mut tx = json!({
            "from": from, "data": hex::encode_prefixed(data), "value": format!("{wei:#x}"), "gas": GAS,
        });
        match to {
            Some(to) => tx["to"] = json!(to),
            // Creations store code.
            None => tx["gas"] = json!("0x1c9c380"),
        }
        let hash = self.ask("eth_sendTransaction", json!([tx])).unwrap();
        // Mined at once, but the answer does not wait for it.
        let receipt = loop {
            let receipt = self
                .ask("eth_getTransactionReceipt", json!([hash]))
                .unwrap();
            if !receipt.is_null() {
                break receipt;
            }
            std::thread::sleep(Duration::from_micros(200));
        };
        let logs = receipt["logs"].as_array().cloned().unwrap_or_default();
        Mined {
            succeeded: receipt["status"] == "0x1",
            block: number(&receipt["blockNumber"]),
            events: logs
                .iter()
                .map(|l| l["topics"][0].as_str().unwrap_or_default().to_owned())
                .collect(),
            created: receipt["contractAddress"]
                .as_str()
                .map(|a| a.parse().unwrap()),
        }
    }

    pub fn call(&mut self, from: Address, to: Address, data: Vec<u8>) -> Result<Bytes, String> {
        let tx = json!({"from": from, "to": to, "data": hex::encode_prefixed(data)});
        let answer = self.ask("eth_call", json!([tx, "latest"]))?;
        Ok(answer.as_str().unwrap().parse().unwrap())
    }

    pub fn balance(&mut self, account: Address) -> U256 {
        let answer = self
            .ask("eth_getBalance", json!([account, "latest"]))
            .unwrap();
        answer.as_str().unwrap().parse().unwrap()
    }
}

pub fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().trim_start_matches("0x"), 16).unwrap()
}
