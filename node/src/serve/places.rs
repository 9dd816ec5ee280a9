//! How many connections there may be, of everybody and of one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Connections of each address that has some.
#[derive(Clone, Debug)]
pub(super) struct Places {
    most: usize,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A connection's place; free again when dropped.
#[derive(Debug)]
pub(super) struct Place {
    of: Option<IpAddr>,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Places {
    /// At most `most` for one address.
    pub fn new(most: usize) -> Self {
        Self {
            most,
            taken: Arc::default(),
        }
    }

    /// A place for a connection from `address`, if it has not all of its own yet. This machine has as many as it likes: a
    /// proxy on it speaks for everybody.
    pub fn take(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let taken = self.taken.clone();
        if address.is_loopback() {
            return Some(Place { of: None, taken });
        }
        let of = network(address);
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let own = all.entry(of).or_default();
        (*own < self.most).then(|| {
            *own += 1;
            Place {
                of: Some(of),
                taken,
            }
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(of) = self.of else { return };
        let mut all = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(own) = all.get_mut(&of) {
            *own -= 1;
            if *own == 0 {
                all.remove(&of);
            }
        }
    }
}

/// What one household has: of IPv6 the first 64 bits, the rest of which everybody chooses freely.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn one_address_does_not_take_the_places_of_all() {
        let places = Places::new(2);
        let mut held: Vec<_> = (0..2).map(|_| places.take(ip("192.0.2.1"))).collect();
        assert!(held.iter().all(Option::is_some));
        assert!(places.take(ip("192.0.2.1")).is_none());
        assert!(places.take(ip("::ffff:192.0.2.1")).is_none());
        assert!(places.take(ip("192.0.2.2")).is_some());
        held.pop();
        held.push(places.take(ip("192.0.2.1")));
        assert!(held.iter().all(Option::is_some));

        let _one = places.take(ip("2001:db8::1"));
        let _two = places.take(ip("2001:db8::2"));
        assert!(places.take(ip("2001:db8::3")).is_none());
        assert!(places.take(ip("2001:db8:0:1::1")).is_some());

        let local: Vec<_> = (0..9).map(|_| places.take(ip("127.0.0.1"))).collect();
        assert!(local.iter().all(Option::is_some));
    }

    #[test]
    fn an_address_without_connections_is_forgotten() {
        let places = Places::new(2);
        drop(places.take(ip("192.0.2.1")));
        assert!(places.taken.lock().unwrap().is_empty());
    }
}
