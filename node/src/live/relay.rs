//! Segments on their way from a sender into the node: whatever they wait for, the sender does not.

use std::collections::VecDeque;
use std::future::Future;
use std::time::{Duration, Instant};

use assay_encoder::live::{LiveEvent, LiveSegment};
use assay_encoder::package::Timing;
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use tokio::sync::mpsc;

use crate::settings::Offer;

/// Segments that wait to be looked at: half a minute of them. Then the oldest is given up.
const WAITING: usize = 16;
/// Segments that wait for a node that has not begun; then the oldest are worth least.
const PENDING: usize = 2;
/// Parts of the stream, whole or missing, that are remembered at all.
const MOST: usize = 256;

/// What looking at a segment gave.
pub(super) enum Looked {
    /// It can be published.
    Good(Box<Offer>),
    /// Its sender's stream is not what the job is for.
    Foreign,
    /// It is left out.
    Bad,
}

/// A segment that waits to be looked at.
struct Waiting {
    /// None when it is given up.
    segment: Option<Box<LiveSegment>>,
    timing: Timing,
    came: Instant,
    sender: u32,
}

/// A segment to look at.
struct Work {
    segment: Box<LiveSegment>,
    /// Whether its sender is known to fit.
    known: bool,
    left: Duration,
}

/// Segments in order, and what is known of their sender.
struct Relay {
    patience: Duration,
    waiting: VecDeque<Waiting>,
    /// What is being looked at.
    under_way: Option<(Timing, Instant, u32)>,
    ready: VecDeque<Offer>,
    /// Senders come and go; this is the number of the present one.
    sender: u32,
    /// A sender of which it is known whether it fits.
    fits: Option<(u32, bool)>,
    /// Whether the node takes segments.
    begun: bool,
}

impl Relay {
    fn new(patience: Duration) -> Self {
        Self {
            patience,
            waiting: VecDeque::new(),
            under_way: None,
            ready: VecDeque::new(),
            sender: 0,
            fits: None,
            begun: false,
        }
    }

    fn came(&mut self, segment: Box<LiveSegment>, came: Instant) {
        self.waiting.push_back(Waiting {
            timing: segment.timing.clone(),
            segment: Some(segment),
            came,
            sender: self.sender,
        });
        let whole = self.waiting.iter().filter(|w| w.segment.is_some()).count();
        if whole > WAITING
            && let Some(oldest) = self.waiting.iter_mut().find(|w| w.segment.is_some())
        {
            oldest.segment = None;
        }
        if self.waiting.len() > MOST {
            self.waiting.pop_front();
        }
    }

    fn known(&self, sender: u32) -> Option<bool> {
        self.fits
            .filter(|&(of, _)| of == sender)
            .map(|(_, fits)| fits)
    }

    /// The next one to look at. What is too late for that leaves a hole.
    fn next(&mut self, now: Instant) -> Option<Work> {
        if self.under_way.is_some() {
            return None;
        }
        while let Some(next) = self.waiting.pop_front() {
            let known = self.known(next.sender);
            let age = now.saturating_duration_since(next.came);
            match (known, next.segment) {
                (Some(false), _) => {}
                (_, Some(segment)) if age < self.patience => {
                    self.under_way = Some((next.timing, next.came, next.sender));
                    return Some(Work {
                        segment,
                        known: known == Some(true),
                        left: self.patience - age,
                    });
                }
                (known, _) => self.hole(next.timing, known),
            }
        }
        None
    }

    /// What became of the one that was looked at.
    fn looked(&mut self, looked: Looked) {
        let Some((timing, came, sender)) = self.under_way.take() else {
            return;
        };
        match looked {
            Looked::Good(offer) => {
                self.fits = Some((sender, true));
                self.push(Offer {
                    came: Some(came),
                    ..*offer
                });
            }
            Looked::Foreign => self.fits = Some((sender, false)),
            Looked::Bad => self.hole(timing, self.known(sender)),
        }
    }

    /// Time that is missing; of a sender that may not belong here nothing is.
    fn hole(&mut self, timing: Timing, known: Option<bool>) {
        if self.begun && known == Some(true) {
            self.push(Offer {
                source: None,
                timing: Some(timing),
                sounds: Vec::new(),
                came: None,
            });
        }
    }

    fn push(&mut self, offer: Offer) {
        self.ready.push_back(offer);
        let most = if self.begun { MOST } else { PENDING };
        if self.ready.len() > most {
            self.ready.pop_front();
        }
    }
}

/// Has each segment looked at, one after the other, and hands on what is good, until the stream has ended or nobody takes
/// segments any more. One that is not looked at within `patience` since it came in leaves a hole. `look` is told whether the
/// segment's sender is known to fit; `first` is of one that is.
pub(super) async fn relay<F>(
    events: &mut mpsc::Receiver<LiveEvent>,
    first: Option<(Box<LiveSegment>, Instant)>,
    patience: Duration,
    look: impl Fn(Box<LiveSegment>, bool) -> F,
    tell: impl Fn(&LiveEvent),
    offers: &mpsc::Sender<Offer>,
) where
    F: Future<Output = Looked>,
{
    let mut relay = Relay::new(patience);
    if let Some((segment, came)) = first {
        relay.fits = Some((relay.sender, true));
        relay.came(segment, came);
    }
    let mut looking = FuturesUnordered::new();
    let mut ended = false;
    loop {
        if let Some(work) = relay.next(Instant::now()) {
            let looked = tokio::time::timeout(work.left, look(work.segment, work.known));
            looking.push(looked);
        }
        tokio::select! {
            room = offers.reserve(), if !relay.ready.is_empty() => match (room, relay.ready.pop_front()) {
                (Ok(room), Some(offer)) => {
                    relay.begun = true;
                    room.send(offer);
                }
                _ => return,
            },
            Some(looked) = looking.next(), if !looking.is_empty() => {
                relay.looked(looked.unwrap_or_else(|_| {
                    tracing::warn!("a live segment is left out: nobody could look at it within {patience:?}");
                    Looked::Bad
                }));
            }
            event = events.recv(), if !ended => match event {
                Some(LiveEvent::Segment { segment, came }) => relay.came(segment, came),
                Some(event) => {
                    if let LiveEvent::Connected { .. } = event {
                        relay.sender += 1;
                    }
                    tell(&event);
                }
                None => ended = true,
            },
            else => return,
        }
    }
}

#[cfg(test)]
mod tests;
