//! What is known of one endpoint, and in which order endpoints are asked.

use alloy_primitives::B256;
use serde::Serialize;

use crate::rpc::RpcError;

/// The chain that every endpoint must serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chain {
    pub id: u64,
    /// Hash of block 0: it tells one development chain from the next of the same number.
    pub genesis: B256,
}

/// Whether an endpoint serves the right chain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Standing {
    /// Not asked since it was last away: another program may have taken its place.
    #[default]
    Unchecked,
    Right,
    Other(RpcError),
}

/// What is known of one endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Health {
    standing: Standing,
    /// Its last failure, until it answers again.
    away: Option<RpcError>,
    /// Number and time (Unix seconds) of the newest block it told.
    head: Option<(u64, u64)>,
    /// Blocks by which it is behind the others, where that is too much.
    behind: Option<u64>,
}

/// What changed, in a sentence for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The endpoint will not be asked, or later than others.
    Worse(String),
    Better(&'static str),
}

impl Health {
    /// Where it stands among the others; the lowest is asked first.
    pub fn rank(&self) -> u8 {
        match (&self.standing, &self.away, self.behind) {
            (Standing::Other(_), ..) => 4,
            (_, Some(_), _) => 3,
            (Standing::Unchecked, ..) => 2,
            (Standing::Right, None, Some(_)) => 1,
            (Standing::Right, None, None) => 0,
        }
    }

    pub fn is_checked(&self) -> bool {
        self.standing == Standing::Right
    }

    /// It serves the right chain.
    pub fn identified(&mut self) -> Option<Change> {
        let was = std::mem::replace(&mut self.standing, Standing::Right);
        matches!(was, Standing::Other(_)).then_some(Change::Better("serves the right chain now"))
    }

    /// It serves another one.
    pub fn refused(&mut self, error: RpcError) -> Option<Change> {
        let sentence = error.to_string();
        let new = Standing::Other(error);
        let change = (self.standing != new).then_some(Change::Worse(sentence));
        (self.standing, self.head, self.behind) = (new, None, None);
        change
    }

    /// It answered, if only with a refusal.
    pub fn answered(&mut self) -> Option<Change> {
        self.away.take().map(|_| Change::Better("answers again"))
    }

    /// It did not function.
    pub fn failed(&mut self, error: RpcError) -> Option<Change> {
        let change = match self.away {
            None => Some(Change::Worse(error.to_string())),
            Some(_) => None,
        };
        if self.is_checked() && !matches!(error, RpcError::Malformed { .. }) {
            self.standing = Standing::Unchecked;
        }
        self.away = Some(error);
        change
    }

    pub fn saw(&mut self, number: u64, timestamp: u64) {
        self.head = Some((number, timestamp));
    }

    /// Its newest block, where it can be compared with others'.
    pub fn height(&self) -> Option<u64> {
        self.head
            .filter(|_| self.away.is_none() && self.is_checked())
            .map(|(number, _)| number)
    }

    /// Holds its head against the newest one told by any endpoint.
    pub fn compare(&mut self, newest: u64, lag_blocks: u64) -> Option<Change> {
        let height = self.height()?;
        let lag = newest.saturating_sub(height);
        let behind = (lag >= lag_blocks).then_some(lag);
        let was = std::mem::replace(&mut self.behind, behind);
        match (was, behind) {
            (None, Some(lag)) => Some(Change::Worse(format!(
                "is {lag} blocks behind (block {height}, the newest is {newest})"
            ))),
            (Some(_), None) => Some(Change::Better("has caught up")),
            _ => None,
        }
    }

    /// For people and machines.
    pub fn view(&self, endpoint: &str) -> EndpointView {
        let state = match (&self.standing, &self.away, self.behind) {
            (Standing::Other(error), ..) => EndpointState::Refused(error.to_string()),
            (_, Some(error), _) => EndpointState::Away(error.to_string()),
            (.., Some(blocks)) => EndpointState::Behind(blocks),
            (Standing::Unchecked, ..) => EndpointState::Unchecked,
            _ => EndpointState::Good,
        };
        EndpointView {
            endpoint: endpoint.to_owned(),
            state,
            head: self.head.map(|(number, _)| number),
            head_time: self.head.map(|(_, time)| time),
        }
    }
}

/// An endpoint as it is at the moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EndpointView {
    /// Scheme, host and port.
    pub endpoint: String,
    /// Whether it is asked.
    pub state: EndpointState,
    /// Newest block that it told when several endpoints were last compared.
    pub head: Option<u64>,
    /// Time of that block, Unix seconds: its age is how old this endpoint's picture is.
    pub head_time: Option<u64>,
}

/// Whether an endpoint is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointState {
    /// Yes.
    Good,
    /// Not asked yet, or not since it came back.
    Unchecked,
    /// Only when no good one answers: so many blocks behind.
    Behind(u64),
    /// Only when no other answers; why.
    Away(String),
    /// Never while it serves another chain; which.
    Refused(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> RpcError {
        RpcError::Unreachable {
            method: "eth_chainId",
            reason: "closed".into(),
        }
    }

    fn good(number: u64) -> Health {
        let mut health = Health::default();
        health.identified();
        health.saw(number, 1_000);
        health
    }

    #[test]
    fn an_endpoint_that_was_away_is_identified_before_it_is_first_again() {
        let mut health = good(9);
        assert_eq!(health.rank(), 0);
        assert!(matches!(health.failed(away()), Some(Change::Worse(_))));
        assert_eq!(health.failed(away()), None, "said once");
        assert_eq!((health.rank(), health.height()), (3, None));
        assert!(matches!(health.answered(), Some(Change::Better(_))));
        assert!(!health.is_checked());
        assert_eq!(health.rank(), 2);
        health.identified();
        assert_eq!(health.rank(), 0);
    }

    #[test]
    fn who_lags_is_asked_after_the_others_until_it_has_caught_up() {
        let mut health = good(97);
        assert_eq!(health.compare(99, 3), None);
        let change = health.compare(100, 3);
        assert!(matches!(&change, Some(Change::Worse(text)) if text.contains("3 blocks behind")));
        assert_eq!(health.rank(), 1);
        assert_eq!(health.view("a").state, EndpointState::Behind(3));
        health.saw(100, 1_003);
        assert!(matches!(health.compare(101, 3), Some(Change::Better(_))));
        assert_eq!(health.rank(), 0);
    }

    #[test]
    fn another_chain_is_refused_with_one_line() {
        let mut health = good(5);
        let error = RpcError::OtherChain {
            endpoint: "http://a".into(),
            found: 5,
            expected: 1,
        };
        let Some(Change::Worse(line)) = health.refused(error.clone()) else {
            panic!("not said")
        };
        assert_eq!(
            line,
            "http://a serves chain 5, expected is chain 1; it is not used"
        );
        assert_eq!(health.refused(error), None);
        assert_eq!((health.rank(), health.height()), (4, None));
        assert!(matches!(health.identified(), Some(Change::Better(_))));
    }
}
