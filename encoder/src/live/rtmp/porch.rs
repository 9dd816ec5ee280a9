//! Who may be saying who they are: a bounded number, and never so many from one place that others find no room.

use std::net::{IpAddr, Ipv6Addr};

use tokio::task::AbortHandle;

/// Connections that may be here.
const CONNECTIONS: usize = 16;

/// Something that can be sent away.
pub(super) trait Guest {
    /// Whether it has gone by itself.
    fn is_gone(&self) -> bool;
    /// Ends its connection.
    fn dismiss(&self);
}

impl Guest for AbortHandle {
    fn is_gone(&self) -> bool {
        self.is_finished()
    }

    fn dismiss(&self) {
        self.abort();
    }
}

/// Connections that have not shown the key, oldest first, with where they come from.
pub(super) struct Porch<G = AbortHandle>(Vec<(IpAddr, G)>);

impl<G> Default for Porch<G> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<G: Guest> Porch<G> {
    /// Takes another one in. If there are too many, the oldest goes of those from where most are: a sender that is alone in
    /// its place stays, whatever comes from others.
    pub fn admit(&mut self, from: IpAddr, guest: G) {
        self.0.retain(|(_, guest)| !guest.is_gone());
        self.0.push((household(from), guest));
        if self.0.len() <= CONNECTIONS {
            return;
        }
        let of = |place: &IpAddr| self.0.iter().filter(|(from, _)| from == place).count();
        let most = self.0.iter().map(|(from, _)| of(from)).max();
        let crowded = |(from, _): &(IpAddr, G)| Some(of(from)) == most;
        if let Some(oldest) = self.0.iter().position(crowded) {
            self.0.remove(oldest).1.dismiss();
        }
    }
}

/// What one customer has: an address, or a network of IPv6's (RFC 6177).
fn household(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !(u128::MAX >> 64))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use super::*;

    #[derive(Clone, Default)]
    struct Visitor {
        gone: Rc<Cell<bool>>,
    }

    impl Guest for Visitor {
        fn is_gone(&self) -> bool {
            self.gone.get()
        }

        fn dismiss(&self) {
            self.gone.set(true);
        }
    }

    #[test]
    fn a_crowd_drives_out_itself_alone() {
        let mut porch = Porch::default();
        let alone = Visitor::default();
        porch.admit("192.0.2.1".parse().unwrap(), alone.clone());
        let crowd: Vec<_> = (0..100u16).map(|i| (i, Visitor::default())).collect();
        for (i, visitor) in &crowd {
            // Addresses of one network of IPv6 are one place.
            let from = format!("2001:db8::{i:x}").parse().unwrap();
            porch.admit(from, visitor.clone());
        }
        assert!(!alone.is_gone());
        let left = crowd.iter().filter(|(_, visitor)| !visitor.is_gone());
        assert_eq!(left.count(), CONNECTIONS - 1);
        // The newest are there: who comes again has another try.
        assert!(!crowd[99].1.is_gone() && crowd[0].1.is_gone());
        let second = Visitor::default();
        porch.admit("198.51.100.7".parse().unwrap(), second.clone());
        assert!(!second.is_gone() && !alone.is_gone());
    }

    #[test]
    fn who_has_gone_takes_no_room() {
        let mut porch = Porch::default();
        let visitors: Vec<_> = (0..CONNECTIONS).map(|_| Visitor::default()).collect();
        for visitor in &visitors {
            porch.admit("192.0.2.1".parse().unwrap(), visitor.clone());
        }
        visitors[3].dismiss();
        porch.admit("192.0.2.1".parse().unwrap(), Visitor::default());
        let gone = visitors.iter().filter(|visitor| visitor.is_gone());
        assert_eq!(gone.count(), 1);
    }
}
