//! Segments between their announcement and their turn.

use std::collections::BTreeMap;

use super::Sound;
use super::timing::Timing;
use super::track::Media;

/// What became of a segment.
#[derive(Default)]
pub(super) enum Content {
    /// Nothing yet.
    #[default]
    Awaited,
    /// It is here.
    Media { frames: u32, media: Vec<Media> },
    /// It will not come.
    Skipped,
}

#[derive(Default)]
pub(super) struct Slot {
    pub timing: Option<Timing>,
    pub sounds: Vec<Option<Sound>>,
    pub content: Content,
    /// Time right after it for which there is no segment.
    pub holes: Vec<Timing>,
}

impl Slot {
    /// Whether it has an entry in the playlists.
    pub fn is_shown(&self) -> bool {
        let media = matches!(self.content, Content::Media { .. });
        media || self.timing.is_some() || !self.holes.is_empty()
    }
}

/// All of them, by number.
pub(super) struct Slots {
    slots: BTreeMap<u32, Slot>,
    next: u32,
}

impl Slots {
    pub fn new(first: u32) -> Self {
        Self {
            slots: BTreeMap::new(),
            next: first,
        }
    }

    /// The next one to be written.
    pub fn next(&self) -> u32 {
        self.next
    }

    /// Whether a segment was written, is here, or was given up.
    pub fn is_over(&self, seq: u32) -> bool {
        let settled = |slot: &Slot| !matches!(slot.content, Content::Awaited);
        seq < self.next || self.slots.get(&seq).is_some_and(settled)
    }

    /// Segments that are here and wait for an earlier one.
    pub fn waiting(&self) -> usize {
        let here = |slot: &&Slot| matches!(slot.content, Content::Media { .. });
        self.slots.values().filter(here).count()
    }

    pub fn announce(&mut self, seq: u32, timing: Timing, sounds: Vec<Option<Sound>>) {
        if seq >= self.next {
            let slot = self.slots.entry(seq).or_default();
            slot.timing = Some(timing);
            slot.sounds = sounds;
        }
    }

    /// Remembers a hole after the last slot; gives it back when there is none, and its turn is now.
    pub fn hole(&mut self, timing: Timing) -> Option<Timing> {
        match self.slots.last_entry() {
            Some(mut last) => {
                last.get_mut().holes.push(timing);
                None
            }
            None => Some(timing),
        }
    }

    pub fn skip(&mut self, seq: u32) {
        if !self.is_over(seq) {
            let slot = self.slots.entry(seq).or_default();
            slot.content = Content::Skipped;
            slot.sounds.clear();
        }
    }

    pub fn fill(&mut self, seq: u32, frames: u32, media: Vec<Media>) {
        self.slots.entry(seq).or_default().content = Content::Media { frames, media };
    }

    /// The next one, if its fate is known.
    pub fn pop(&mut self) -> Option<(u32, Slot)> {
        self.is_over(self.next).then_some(())?;
        let slot = self.slots.remove(&self.next)?;
        self.next += 1;
        Some((self.next - 1, slot))
    }

    /// The first one in whatever state, and whether some before it are missing; none once nothing is there but what is
    /// awaited still: a publisher that goes on later gives it again.
    pub fn pop_anyway(&mut self) -> Option<(u32, Slot, bool)> {
        let settled =
            |slot: &Slot| !matches!(slot.content, Content::Awaited) || !slot.holes.is_empty();
        self.slots.values().any(settled).then_some(())?;
        let (seq, slot) = self.slots.pop_first()?;
        let missing = seq != self.next;
        self.next = seq + 1;
        Some((seq, slot, missing))
    }
}
