//! Token buckets: how much one peer may ask.

use std::collections::HashMap;
use std::time::Instant;

use libp2p::PeerId;

use crate::config::Quotas;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spending {
    Gossip,
    Range,
    Job,
    Verdict,
}

const KINDS: usize = 4;

#[derive(Debug)]
struct Account {
    tokens: [f64; KINDS],
    updated: Instant,
}

/// One account per peer that has asked for something lately.
#[derive(Debug)]
pub(crate) struct QuotaBook {
    rates: [f64; KINDS],
    burst_seconds: f64,
    staked_factor: f64,
    accounts: HashMap<PeerId, Account>,
}

impl QuotaBook {
    pub(crate) fn new(quotas: &Quotas) -> Self {
        let rates = [
            quotas.gossip_per_second,
            quotas.ranges_per_second,
            quotas.jobs_per_second,
            quotas.verdicts_per_second,
        ];
        Self {
            rates: rates.map(f64::from),
            burst_seconds: quotas.burst_seconds.into(),
            staked_factor: quotas.staked_factor.into(),
            accounts: HashMap::new(),
        }
    }

    /// Takes one token; false when the peer has none left.
    pub(crate) fn spend(
        &mut self,
        peer: PeerId,
        what: Spending,
        staked: bool,
        now: Instant,
    ) -> bool {
        let factor = if staked { self.staked_factor } else { 1.0 };
        let caps = self.rates.map(|rate| rate * self.burst_seconds * factor);
        let account = self.accounts.entry(peer).or_insert(Account {
            tokens: caps,
            updated: now,
        });
        let elapsed = now.saturating_duration_since(account.updated).as_secs_f64();
        account.updated = now;
        for (kind, tokens) in account.tokens.iter_mut().enumerate() {
            *tokens = (*tokens + elapsed * self.rates[kind] * factor).min(caps[kind]);
        }
        let tokens = &mut account.tokens[what as usize];
        let granted = *tokens >= 1.0;
        if granted {
            *tokens -= 1.0;
        }
        granted
    }

    /// Forgets accounts that have refilled: a reconnect does not refill one sooner.
    pub(crate) fn prune(&mut self, now: Instant) {
        let burst = self.burst_seconds;
        self.accounts
            .retain(|_, a| now.saturating_duration_since(a.updated).as_secs_f64() < burst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn bursts_end_refill_and_kinds_are_apart() {
        let quotas = Quotas {
            gossip_per_second: 10,
            burst_seconds: 2,
            staked_factor: 3,
            ..Quotas::default()
        };
        let mut book = QuotaBook::new(&quotas);
        let (peer, start) = (PeerId::random(), Instant::now());
        let granted = |book: &mut QuotaBook, peer, staked, at| {
            (0..1000)
                .filter(|_| book.spend(peer, Spending::Gossip, staked, at))
                .count()
        };
        assert_eq!(granted(&mut book, peer, false, start), 20);
        assert!(book.spend(peer, Spending::Job, false, start));
        book.prune(start + Duration::from_secs(1));
        assert_eq!(
            granted(&mut book, peer, false, start + Duration::from_secs(1)),
            10
        );
        assert_eq!(granted(&mut book, PeerId::random(), true, start), 60);
        book.prune(start + Duration::from_secs(9));
        assert!(book.accounts.is_empty());
    }
}
