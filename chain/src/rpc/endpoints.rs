//! Which Ethereum nodes are asked, as a person writes it down.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::rpc::RpcError;

/// Addresses of Ethereum nodes, `http://` or `https://`, best first. In a configuration file a string or a list.
///
/// The first one that works is used; the others take over while it is away or behind. `Display` leaves out user,
/// path and query, where providers put their keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Endpoints {
    urls: Vec<String>,
    authority: Option<PathBuf>,
    policy: Policy,
}

/// When an endpoint gives way to the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Longest wait for an answer where no other endpoint could be asked. Answers come from loopback or a near node;
    /// a slower one is as good as none for a protocol of one-second blocks.
    pub patience: Duration,
    /// Longest wait where another one can: a slow node must not cost a deadline. Searches of logs have `patience`.
    pub impatience: Duration,
    /// Pause between two looks at every endpoint: identity, head, whether it is back.
    pub probe: Duration,
    /// Blocks by which a head may be older than the newest one told. Neighbours in the gossip differ by one or two.
    pub lag_blocks: u64,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(10),
            impatience: Duration::from_secs(4),
            probe: Duration::from_secs(5),
            lag_blocks: 3,
        }
    }
}

impl Endpoints {
    /// Several endpoints, best first.
    pub fn new(urls: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self {
            urls: urls.into_iter().map(Into::into).collect(),
            authority: None,
            policy: Policy::default(),
        }
    }

    /// Trusts the certificates in a PEM file too: for a node of one's own behind HTTPS.
    #[must_use]
    pub fn with_authority(mut self, file: Option<PathBuf>) -> Self {
        self.authority = file;
        self
    }

    /// Other limits.
    #[must_use]
    pub fn with_policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The addresses as given, secrets included.
    pub fn urls(&self) -> &[String] {
        &self.urls
    }

    pub(crate) fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    pub(crate) const fn policy(&self) -> Policy {
        self.policy
    }

    /// Checks every address, without asking anyone.
    ///
    /// # Errors
    /// [`RpcError::Url`] or [`RpcError::NoUrl`].
    pub fn validate(&self) -> Result<(), RpcError> {
        if self.urls.is_empty() {
            return Err(RpcError::NoUrl);
        }
        self.urls.iter().try_for_each(|url| parse(url).map(drop))
    }
}

/// A URL of a scheme that is spoken.
pub(crate) fn parse(url: &str) -> Result<reqwest::Url, RpcError> {
    let bad = |shown: String, reason: String| RpcError::Url { url: shown, reason };
    let parsed = reqwest::Url::parse(url).map_err(|e| {
        // Nothing that could not be parsed is repeated beyond its scheme.
        let scheme = url.split_once("://").map_or("", |(scheme, _)| scheme);
        bad(format!("{scheme}…"), e.to_string())
    })?;
    match parsed.scheme() {
        "http" | "https" if parsed.has_host() => Ok(parsed),
        other => {
            let reason = format!("{other} is not spoken");
            Err(bad(name(&parsed), reason))
        }
    }
}

/// What logs call an endpoint.
pub(crate) fn name(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map_or_else(String::new, |p| format!(":{p}"));
    format!("{}://{host}{port}", url.scheme())
}

impl fmt::Display for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, url) in self.urls.iter().enumerate() {
            let gap = if i == 0 { "" } else { ", " };
            match parse(url) {
                Ok(parsed) => write!(f, "{gap}{}", name(&parsed))?,
                Err(_) => write!(f, "{gap}(no URL)")?,
            }
        }
        Ok(())
    }
}

impl From<&str> for Endpoints {
    /// One address, or several with commas between them, as an environment variable holds them.
    fn from(urls: &str) -> Self {
        Self::new(urls.split(',').map(str::trim).filter(|url| !url.is_empty()))
    }
}

impl From<String> for Endpoints {
    fn from(urls: String) -> Self {
        urls.as_str().into()
    }
}

impl From<&String> for Endpoints {
    fn from(urls: &String) -> Self {
        urls.as_str().into()
    }
}

impl From<&Self> for Endpoints {
    fn from(endpoints: &Self) -> Self {
        endpoints.clone()
    }
}

/// The two ways to write it.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Written {
    One(String),
    Several(Vec<String>),
}

impl TryFrom<Written> for Endpoints {
    type Error = RpcError;

    fn try_from(written: Written) -> Result<Self, RpcError> {
        let endpoints = match written {
            Written::One(url) => Self::from(url),
            Written::Several(urls) => Self::new(urls),
        };
        endpoints.validate()?;
        Ok(endpoints)
    }
}

impl From<Endpoints> for Written {
    fn from(mut endpoints: Endpoints) -> Self {
        match endpoints.urls.len() {
            1 => Self::One(endpoints.urls.remove(0)),
            _ => Self::Several(endpoints.urls),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<Endpoints, String> {
        serde_json::from_str(json).map_err(|e| e.to_string())
    }

    #[test]
    fn a_string_and_a_list_are_both_read_and_written() {
        let one = read(r#""http://127.0.0.1:8545""#).unwrap();
        assert_eq!(one.urls(), ["http://127.0.0.1:8545"]);
        assert_eq!(
            serde_json::to_string(&one).unwrap(),
            r#""http://127.0.0.1:8545""#
        );
        let two = read(r#"["https://a.example/v3/key", "http://b.example"]"#).unwrap();
        assert_eq!(read(&serde_json::to_string(&two).unwrap()), Ok(two.clone()));
        assert_eq!(
            Endpoints::from("https://a.example/v3/key, http://b.example"),
            two
        );
    }

    #[test]
    fn mistakes_are_named_and_secrets_are_not() {
        assert!(read("[]").unwrap_err().contains("at least one"));
        let error = read(r#""ftp://user:word@host/key""#).unwrap_err();
        assert!(error.contains("ftp is not spoken"), "{error}");
        let open = read(r#""127.0.0.1:8545/secret""#).unwrap_err();
        let shown = read(r#"["https://user:word@a.example:8/secret?secret"]"#).unwrap();
        assert_eq!(shown.to_string(), "https://a.example:8");
        for text in [error, open, shown.to_string()] {
            assert!(!text.contains("word") && !text.contains("secret"), "{text}");
        }
    }
}
