//! Whom to dial and when, and which claimed addresses to believe.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use libp2p::core::transport::ListenerId;
use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};

/// The peer an address names, if it ends with `/p2p/…`.
pub(crate) fn peer_of(address: &Multiaddr) -> Option<PeerId> {
    match address.iter().last() {
        Some(Protocol::P2p(peer)) => Some(peer),
        _ => None,
    }
}

/// How far away an address can be used from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Loopback,
    Private,
    Global,
}

fn scope(address: &Multiaddr) -> Option<Scope> {
    if address.iter().any(|p| matches!(p, Protocol::P2pCircuit)) {
        return Some(Scope::Global);
    }
    let ip: IpAddr = match address.iter().next()? {
        Protocol::Ip4(ip) => ip.into(),
        Protocol::Ip6(ip) => ip.into(),
        Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_) => {
            return Some(Scope::Global);
        }
        _ => return None,
    };
    let private = match ip {
        IpAddr::V4(ip) => ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unique_local() || ip.is_unicast_link_local(),
    };
    match ip {
        ip if ip.is_unspecified() || ip.is_multicast() => None,
        ip if ip.is_loopback() => Some(Scope::Loopback),
        _ if private => Some(Scope::Private),
        _ => Some(Scope::Global),
    }
}

/// Addresses taken from one peer.
pub(crate) const MAX_CLAIMED: usize = 16;

/// Whether to dial an address that a peer claims for itself, given the address it is connected from, or another one as
/// near: a peer out in the internet must not make this node dial its own loopback or its neighbours.
pub(crate) fn is_believable(claimed: &Multiaddr, from: Option<&Multiaddr>) -> bool {
    let from = from.and_then(scope).unwrap_or(Scope::Global);
    scope(claimed).is_some_and(|claimed| claimed >= from)
}

/// The nearest address that this node's operator has written down. A loopback address to listen on says something about
/// the network only when there is no other one.
pub(crate) fn nearest(listen: &[Multiaddr], bootstrap: &[Multiaddr]) -> Option<Multiaddr> {
    let alone = listen.iter().filter(|_| is_loopback_only(listen));
    let known = alone.chain(bootstrap).filter(|a| scope(a).is_some());
    known.min_by_key(|address| scope(address)).cloned()
}

/// Whether all addresses are loopback ones: a closed network on one machine.
pub(crate) fn is_loopback_only(addresses: &[Multiaddr]) -> bool {
    !addresses.is_empty() && addresses.iter().all(|a| scope(a) == Some(Scope::Loopback))
}

/// First wait after a failed or superfluous attempt; doubles up to the longest.
const SHORTEST_WAIT: Duration = Duration::from_millis(250);
/// A node that is down is asked twice a minute, for ever.
const LONGEST_WAIT: Duration = Duration::from_secs(30);
/// With enough connections a walk keeps the routing table fresh.
const CALM_WALKS: Duration = Duration::from_secs(300);

#[derive(Debug)]
struct Backoff {
    next: Instant,
    wait: Duration,
}

impl Backoff {
    fn new(now: Instant) -> Self {
        Self {
            next: now,
            wait: SHORTEST_WAIT,
        }
    }

    /// Whether the time has come; if so, the next one is twice as far away.
    fn is_due(&mut self, now: Instant) -> bool {
        if now < self.next {
            return false;
        }
        // Up to a quarter more, so that nodes started together do not stay in step.
        let jitter = self.wait.mul_f64(rand::random::<f64>() / 4.0);
        self.next = now + self.wait + jitter;
        self.wait = (self.wait * 2).min(LONGEST_WAIT);
        true
    }
}

/// The relays this node wants a reservation on, and the listeners that hold one.
#[derive(Debug)]
pub(crate) struct Reservations {
    wanted: Vec<(Multiaddr, Option<ListenerId>, Backoff)>,
}

impl Reservations {
    pub(crate) fn new(relays: &[Multiaddr], now: Instant) -> Self {
        let circuit = |relay: &Multiaddr| relay.clone().with(Protocol::P2pCircuit);
        let wanted = relays.iter().map(|r| (circuit(r), None, Backoff::new(now)));
        Self {
            wanted: wanted.collect(),
        }
    }

    /// Tries `listen` for each reservation that is missing and due.
    pub(crate) fn renew(
        &mut self,
        now: Instant,
        mut listen: impl FnMut(Multiaddr) -> Option<ListenerId>,
    ) {
        for (circuit, listener, pace) in &mut self.wanted {
            if listener.is_none() && pace.is_due(now) {
                *listener = listen(circuit.clone());
            }
        }
    }

    /// A listener has closed: the relay is gone or has refused.
    pub(crate) fn lost(&mut self, closed: ListenerId) {
        for (_, listener, _) in &mut self.wanted {
            if *listener == Some(closed) {
                *listener = None;
            }
        }
    }
}

/// Bootstrap addresses and random walks, each with its own pace.
#[derive(Debug)]
pub(crate) struct Seeker {
    own: PeerId,
    target: usize,
    seeds: Vec<(Multiaddr, Backoff)>,
    walk: Backoff,
}

impl Seeker {
    pub(crate) fn new(own: PeerId, target: usize, bootstrap: &[Multiaddr], now: Instant) -> Self {
        let others = bootstrap.iter().filter(|a| peer_of(a) != Some(own));
        let seeds = others.map(|a| (a.clone(), Backoff::new(now))).collect();
        Self {
            own,
            target,
            seeds,
            walk: Backoff::new(now),
        }
    }

    /// Bootstrap addresses to dial now. One without a peer id is dialled only while alone, because nobody can tell
    /// whether it is connected already.
    pub(crate) fn due_seeds(
        &mut self,
        connected: usize,
        is_connected: impl Fn(&PeerId) -> bool,
        now: Instant,
    ) -> Vec<Multiaddr> {
        if connected >= self.target {
            return Vec::new();
        }
        let wanted = |address: &Multiaddr| match peer_of(address) {
            Some(peer) => !is_connected(&peer),
            None => connected == 0,
        };
        let due = self.seeds.iter_mut().filter(|(address, _)| wanted(address));
        due.filter_map(|(address, pace)| pace.is_due(now).then(|| address.clone()))
            .collect()
    }

    /// Whether to walk now.
    pub(crate) fn is_walk_due(&mut self, connected: usize, now: Instant) -> bool {
        if connected == 0 || !self.walk.is_due(now) {
            return false;
        }
        if connected >= self.target {
            self.walk.next = now + CALM_WALKS;
        }
        true
    }

    /// Whether to dial a peer that a walk has found.
    pub(crate) fn wants(&self, peer: &PeerId, connected: usize) -> bool {
        *peer != self.own && connected < self.target
    }

    /// A peer came or went: the network is changing, so look again soon.
    pub(crate) fn network_changed(&mut self, connected: usize, now: Instant) {
        if connected < self.target {
            self.walk.wait = SHORTEST_WAIT;
            self.walk.next = self.walk.next.min(now + SHORTEST_WAIT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Multiaddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_addresses_as_far_as_the_peer_itself_are_believed() {
        let (loopback, private) = (
            address("/ip4/127.0.0.1/tcp/1"),
            address("/ip4/10.1.2.3/udp/1/quic-v1"),
        );
        let (global, name) = (
            address("/ip4/9.9.9.9/tcp/1"),
            address("/dns4/a.example/tcp/1"),
        );
        for (claimed, from, believed) in [
            (&loopback, &loopback, true),
            (&private, &loopback, true),
            (&loopback, &private, false),
            (&private, &private, true),
            (&private, &global, false),
            (&loopback, &global, false),
            (&global, &global, true),
            (&name, &global, true),
            (&address("/ip4/0.0.0.0/tcp/1"), &loopback, false),
            (&address("/memory/5"), &loopback, false),
        ] {
            assert_eq!(
                is_believable(claimed, Some(from)),
                believed,
                "{claimed} from {from}"
            );
        }
        assert!(
            is_loopback_only(std::slice::from_ref(&loopback))
                && !is_loopback_only(&[loopback, global])
        );
        assert!(!is_loopback_only(&[]));
        // Of what a record claims, only what is as near as the configuration says.
        let [loopback, private, anywhere] =
            ["127.0.0.1", "192.168.0.7", "0.0.0.0"].map(|ip| address(&format!("/ip4/{ip}/tcp/1")));
        let near = |listen: &Multiaddr, bootstrap: &[Multiaddr]| {
            nearest(std::slice::from_ref(listen), bootstrap)
        };
        assert_eq!(near(&loopback, &[]), Some(loopback.clone()));
        assert_eq!(near(&anywhere, &[]), None);
        assert!(!is_believable(&private, near(&anywhere, &[]).as_ref()));
        assert!(is_believable(
            &private,
            near(&anywhere, std::slice::from_ref(&private)).as_ref()
        ));
        assert!(!is_believable(&loopback, Some(&private)));
    }

    #[test]
    fn seeds_are_retried_ever_more_slowly_and_only_while_wanted() {
        let (own, other, start) = (PeerId::random(), PeerId::random(), Instant::now());
        let named = address(&format!("/ip4/127.0.0.1/tcp/1/p2p/{other}"));
        let nameless = address("/ip4/127.0.0.1/tcp/2");
        let me = address(&format!("/ip4/127.0.0.1/tcp/3/p2p/{own}"));
        let mut seeker = Seeker::new(own, 4, &[named.clone(), nameless.clone(), me], start);
        assert_eq!(
            seeker.due_seeds(0, |_| false, start),
            [named.clone(), nameless]
        );
        assert!(seeker.due_seeds(0, |_| false, start).is_empty());
        let later = start + Duration::from_secs(1);
        assert_eq!(seeker.due_seeds(1, |_| false, later), [named]);
        assert!(
            seeker
                .due_seeds(1, |peer| *peer == other, start + Duration::from_secs(99))
                .is_empty()
        );
        assert!(
            seeker
                .due_seeds(4, |_| false, start + Duration::from_secs(999))
                .is_empty()
        );
        let attempts = (0..3600).filter(|second| {
            !seeker
                .due_seeds(1, |_| false, start + Duration::from_secs(1000 + second))
                .is_empty()
        });
        assert!((90..=150).contains(&attempts.count()));
    }

    #[test]
    fn lost_reservations_are_sought_again_and_held_ones_left_alone() {
        let start = Instant::now();
        let relay = address(&format!("/ip4/9.9.9.9/tcp/1/p2p/{}", PeerId::random()));
        let mut reservations = Reservations::new(std::slice::from_ref(&relay), start);
        let (held, mut asked) = (ListenerId::next(), Vec::new());
        let mut renew = |reservations: &mut Reservations, seconds| {
            reservations.renew(start + Duration::from_secs(seconds), |circuit| {
                asked.push(circuit);
                Some(held)
            });
            asked.len()
        };
        assert_eq!(renew(&mut reservations, 0), 1);
        assert_eq!(renew(&mut reservations, 60), 1);
        reservations.lost(ListenerId::next());
        assert_eq!(renew(&mut reservations, 60), 1);
        reservations.lost(held);
        assert_eq!(renew(&mut reservations, 60), 2);
        assert_eq!(asked[0], relay.with(Protocol::P2pCircuit));
    }

    #[test]
    fn walks_slow_down_and_wake_up() {
        let (own, start) = (PeerId::random(), Instant::now());
        let mut seeker = Seeker::new(own, 2, &[], start);
        assert!(!seeker.is_walk_due(0, start), "nobody to ask");
        assert!(seeker.is_walk_due(1, start) && !seeker.is_walk_due(1, start));
        for second in 0..60 {
            seeker.is_walk_due(1, start + Duration::from_secs(second));
        }
        let later = start + Duration::from_secs(61);
        seeker.walk.next = later + LONGEST_WAIT;
        seeker.network_changed(1, later);
        assert!(seeker.is_walk_due(1, later + SHORTEST_WAIT));
        let calm = later + LONGEST_WAIT;
        assert!(seeker.is_walk_due(2, calm) && !seeker.is_walk_due(2, calm + LONGEST_WAIT));
        assert!(!seeker.wants(&own, 0) && seeker.wants(&PeerId::random(), 1));
    }
}
