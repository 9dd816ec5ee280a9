//! How many segments are under way at once: as many as the network has shown that it takes.
//!
//! Who refuses a segment for want of room is passed over for good, and where nobody else is left, the segment is lost, however much
//! time there was. A stream that is fetched, or comes back, brings many at once. So two for each transcoder are under way at first,
//! and one more with each delivery, as far as that is made use of. Where a segment is lost for want of room, nothing is tried before
//! something is delivered, another segment comes alone, or a block later; and for a while no more are under way than were beside it,
//! but at least one for each transcoder: those who refuse never keep a stream from a network that is large enough for it. What waits
//! has not been promised to anybody.

use assay_protocol::assignment::{RefusalReason, Skip, SkipReason};
use assay_protocol::checked::Now;

use super::{Broadcaster, Flight, Output};

/// For each transcoder: one that it works on, one that it fetches meanwhile.
const EACH: usize = 2;

/// How many may be under way.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Room {
    /// The most transcoders that a round had.
    transcoders: usize,
    most: usize,
    /// Block from which on more are tried.
    grows_from: u64,
    /// Nobody had room.
    rests: bool,
}

impl Room {
    /// A round with so many transcoders.
    pub fn round(&mut self, transcoders: usize) {
        if transcoders > self.transcoders {
            self.transcoders = transcoders;
            self.most = self.most.max(EACH * transcoders);
        }
    }

    /// Somebody may have room again.
    pub fn wake(&mut self) {
        self.rests = false;
    }

    const fn takes(&self, under_way: usize) -> bool {
        under_way < self.most && !self.rests
    }

    /// One of so many that were under way is delivered.
    fn delivered(&mut self, under_way: usize, block: u64) {
        self.wake();
        self.most += usize::from(under_way >= self.most && block >= self.grows_from);
    }

    /// One was lost beside so many that are under way, in a network of so many transcoders.
    fn lost(&mut self, under_way: usize, transcoders: usize, from: u64) {
        self.rests = true;
        self.most = self.most.min(under_way).max(transcoders).max(1);
        self.grows_from = from;
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
        self.room.takes(self.under_way())
    }

    /// Notes that a flight, which is taken out already, was delivered.
    pub(super) fn has_delivered(&mut self) {
        let block = self.block.unwrap_or_default();
        self.room.delivered(self.under_way() + 1, block);
    }

    /// Notes that nobody was left for a flight, which is taken out already.
    pub(super) fn has_lost(&mut self, skips: &[Skip]) {
        let full = |skip: &Skip| matches!(skip.reason, SkipReason::Refused { reason, .. } if reason == RefusalReason::Overloaded as u8);
        let away = |skip: &Skip| matches!(skip.reason, SkipReason::Frozen | SkipReason::Timeout);
        if !skips.iter().any(full) || !skips.iter().all(|skip| full(skip) || away(skip)) {
            return;
        }
        let candidates = self.snapshot.iter().flat_map(|s| &s.candidates);
        let free = candidates.filter(|c| !self.frozen.contains(&c.operator));
        let (free, block) = (free.count(), self.block.unwrap_or_default());
        let from = block + self.params.response_blocks;
        self.room.lost(self.under_way(), free, from);
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

    /// Gives up a segment that has waited too long, unless it was promised to somebody.
    pub(super) fn on_waited(&mut self, seq: u32) -> Vec<Output> {
        if !self.flights.get(&seq).is_some_and(Flight::waits) {
            return Vec::new();
        }
        self.flights.remove(&seq);
        vec![Output::Gap { seq }]
    }
}
