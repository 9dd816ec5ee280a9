//! Messages published while nobody was subscribed, kept until somebody is.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::topic::Topic;

/// Messages kept, at most.
const MAX_MESSAGES: usize = 256;
/// Bytes kept, at most: 64 messages of full size.
const MAX_BYTES: usize = 4 * 1024 * 1024;
/// A message older than this is of no use to anybody: evidence deadlines on test networks are minutes, and what must
/// last longer is journaled and published again by the node.
const MAX_AGE: Duration = Duration::from_secs(600);

/// A bounded queue; the oldest message leaves first.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    messages: VecDeque<(Instant, Topic, Vec<u8>)>,
    bytes: usize,
}

impl Outbox {
    pub(crate) fn push(&mut self, topic: Topic, message: Vec<u8>, now: Instant) {
        self.bytes += message.len();
        self.messages.push_back((now, topic, message));
        while self.messages.len() > MAX_MESSAGES || self.bytes > MAX_BYTES {
            let Some((_, topic, gone)) = self.messages.pop_front() else {
                break;
            };
            self.bytes -= gone.len();
            tracing::warn!(
                topic = topic.label(),
                bytes = gone.len(),
                "outbox full; oldest message dropped"
            );
        }
    }

    /// Takes all messages of `topic` that are still of use, oldest first.
    pub(crate) fn take(&mut self, topic: Topic, now: Instant) -> Vec<Vec<u8>> {
        let mut taken = Vec::new();
        let kept =
            std::mem::take(&mut self.messages)
                .into_iter()
                .filter_map(|(since, t, message)| {
                    if now.saturating_duration_since(since) > MAX_AGE {
                        None
                    } else if t == topic {
                        taken.push(message);
                        None
                    } else {
                        Some((since, t, message))
                    }
                });
        self.messages = kept.collect();
        self.bytes = self
            .messages
            .iter()
            .map(|(_, _, message)| message.len())
            .sum();
        taken
    }

    /// Topics with messages waiting.
    pub(crate) fn topics(&self) -> Vec<Topic> {
        Topic::ALL
            .into_iter()
            .filter(|topic| self.messages.iter().any(|(_, t, _)| t == topic))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounded_by_count_bytes_and_age() {
        let (mut outbox, now) = (Outbox::default(), Instant::now());
        for i in 0..MAX_MESSAGES + 2 {
            outbox.push(Topic::Proofs, i.to_be_bytes().to_vec(), now);
        }
        outbox.push(Topic::Records, vec![0; 9], now);
        assert_eq!(outbox.topics(), [Topic::Records, Topic::Proofs]);
        let proofs = outbox.take(Topic::Proofs, now);
        assert_eq!(
            (proofs.len(), &proofs[0][..]),
            (MAX_MESSAGES - 1, &3usize.to_be_bytes()[..])
        );
        assert_eq!(outbox.bytes, 9);
        outbox.push(Topic::Tickets, vec![0; MAX_BYTES], now);
        assert_eq!(outbox.topics(), [Topic::Tickets]);
        assert!(outbox.take(Topic::Tickets, now + 2 * MAX_AGE).is_empty());
        assert!(outbox.topics().is_empty());
    }
}
