//! How many segments are under way at once: as many as the network has shown that it takes.
//!
//! Who refuses a segment for want of room is passed over for good, and where everybody is, the segment is lost, however much time
//! there was. A stream that is fetched, or comes back, brings many at once. So what is under way begins low and grows with what is
//! delivered, as far as it is made use of; where a segment is lost for want of room, it has been too much. What waits has not been
//! promised to anybody.

use assay_protocol::assignment::{RefusalReason, Skip, SkipReason};
use assay_protocol::checked::Now;

use super::{Broadcaster, Flight, Output};

/// For each transcoder: one that it works on, one that it fetches meanwhile.
const EACH: usize = 2;
/// Deliveries after which one more is tried where that was too many before: what is lost so is one segment of as many.
const AGAIN: u32 = 64;

/// How many may be under way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    most: usize,
    /// Deliveries since it was too much; `None` as long as it never was.
    since: Option<u32>,
}

impl Room {
    /// For so many transcoders of which nothing is known yet.
    pub fn begin(&mut self, transcoders: usize) {
        if self.most == 0 {
            self.most = EACH * transcoders;
        }
    }

    /// One of so many that were under way is delivered.
    fn delivered(&mut self, under_way: usize) {
        if under_way < self.most {
            return;
        }
        let grows = match &mut self.since {
            None => true,
            Some(since) => {
                *since += 1;
                since.is_multiple_of(AGAIN)
            }
        };
        self.most += usize::from(grows);
    }

    /// One was lost beside so many that are under way.
    fn lost(&mut self, under_way: usize) {
        (self.most, self.since) = (under_way.max(1), Some(0));
    }
}

impl Flight {
    /// Whether nobody was promised it.
    pub(super) fn waits(&self) -> bool {
        self.current.is_none() && !self.promised
    }
}

impl Broadcaster {
    fn under_way(&self) -> usize {
        self.flights
            .values()
            .filter(|flight| !flight.waits())
            .count()
    }

    /// Whether one more may be under way.
    fn has_room(&self) -> bool {
        self.under_way() < self.room.most
    }

    /// Notes that a flight, which is taken out already, was delivered.
    pub(super) fn has_delivered(&mut self) {
        self.room.delivered(self.under_way() + 1);
    }

    /// Notes that nobody was left for a flight, which is taken out already.
    pub(super) fn has_lost(&mut self, skips: &[Skip]) {
        let full = |skip: &Skip| matches!(skip.reason, SkipReason::Refused { reason, .. } if reason == RefusalReason::Overloaded as u8);
        if skips.iter().any(full) {
            self.room.lost(self.under_way());
        }
    }

    /// Assigns what is with nobody, oldest first: what waits as far as there is room.
    pub(super) fn assign_waiting(&mut self, now: Now) -> Vec<Output> {
        let with_nobody = self.flights.iter().filter(|(_, f)| f.current.is_none());
        let with_nobody: Vec<(u32, bool)> = with_nobody.map(|(seq, f)| (*seq, f.waits())).collect();
        let mut outputs = Vec::new();
        for (seq, waits) in with_nobody {
            if !waits || self.has_room() {
                outputs.extend(self.assign(seq, now));
            }
        }
        outputs
    }

    /// Gives up a segment whose time is over, unless it was promised to somebody.
    pub(super) fn on_overdue(&mut self, seq: u32) -> Vec<Output> {
        if !self.flights.get(&seq).is_some_and(Flight::waits) {
            return Vec::new();
        }
        self.flights.remove(&seq);
        vec![Output::Gap { seq }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_with_what_is_delivered_until_something_is_lost() {
        let mut room = Room::default();
        room.begin(1);
        room.begin(9);
        assert_eq!(room.most, 2);
        for _ in 0..9 {
            room.delivered(1);
        }
        assert_eq!(room.most, 2, "not made use of");
        for _ in 0..3 {
            room.delivered(room.most);
        }
        assert_eq!(room.most, 5);
        room.lost(4);
        for _ in 1..AGAIN {
            room.delivered(4);
        }
        assert_eq!(room.most, 4);
        room.delivered(4);
        assert_eq!(room.most, 5);
        room.lost(0);
        assert_eq!(room.most, 1, "never none");
    }
}
