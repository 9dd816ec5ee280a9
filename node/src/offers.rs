//! Segments on their way into the broadcaster's core: a file waits to be asked, a live stream does not.

use std::collections::VecDeque;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime};

use assay_encoder::package::Timing;
use assay_roles::broadcaster::Input;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::driver::{Event, Node};
use crate::notice::Notice;
use crate::settings::Offer;

/// Live segments that wait because too many are unfinished; then the oldest is given up, as late ones are worth least.
const BACKLOG: usize = 2;

/// Where segments come from, and those that came too early.
pub(crate) struct Offers {
    source: Arc<tokio::sync::Mutex<mpsc::Receiver<Offer>>>,
    events: mpsc::Sender<Event>,
    /// Of a live stream.
    patience: Option<Duration>,
    backlog: VecDeque<Offer>,
    /// How many the core has asked for and not got.
    wanted: usize,
    /// The number that the core gives the next one.
    next_seq: u32,
    reader: Option<AbortHandle>,
}

impl Offers {
    pub fn new(
        source: mpsc::Receiver<Offer>,
        patience: Option<Duration>,
        next_seq: u32,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let source = Arc::new(tokio::sync::Mutex::new(source));
        let reader = patience.map(|_| {
            let (source, events) = (source.clone(), events.clone());
            let read = async move {
                let mut source = source.lock().await;
                while let Some(offer) = source.recv().await {
                    if events.send(Event::Offer(Box::new(offer))).await.is_err() {
                        return;
                    }
                }
                let _ = events.send(Event::SourceEnded).await;
            };
            tokio::spawn(read).abort_handle()
        });
        Self {
            source,
            events,
            patience,
            backlog: VecDeque::new(),
            wanted: 0,
            next_seq,
            reader,
        }
    }

    pub fn is_live(&self) -> bool {
        self.patience.is_some()
    }

    /// Whether none waits for the core.
    pub fn is_empty(&self) -> bool {
        self.backlog.is_empty()
    }

    /// One more is wanted; whether one is there already.
    fn want(&mut self) -> bool {
        self.wanted += 1;
        if self.patience.is_none() {
            let (source, events) = (self.source.clone(), self.events.clone());
            tokio::spawn(async move {
                // Held until it is sent: segments stay in order.
                let mut source = source.lock().await;
                let event = match source.recv().await {
                    Some(offer) => Event::Offer(Box::new(offer)),
                    None => Event::SourceEnded,
                };
                let _ = events.send(event).await;
            });
        }
        !self.backlog.is_empty()
    }

    /// The next one for the core, with its number.
    fn next(&mut self) -> Option<(u32, Offer)> {
        self.wanted = self
            .wanted
            .checked_sub(usize::from(!self.backlog.is_empty()))?;
        let offer = self.backlog.pop_front()?;
        self.next_seq += 1;
        Some((self.next_seq - 1, offer))
    }

    /// The one that is given up because too many wait.
    fn surplus(&mut self) -> Option<Offer> {
        let over = self.backlog.len() > BACKLOG;
        over.then(|| self.backlog.pop_front()).flatten()
    }
}

impl Drop for Offers {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            reader.abort();
        }
    }
}

impl Node {
    /// The core has room for a segment.
    pub(crate) fn want_segment(&mut self) {
        let there = self.publishing.as_mut().is_some_and(|p| p.offers.want());
        if there {
            // Through the loop, because the core is being driven right now.
            let events = self.events.clone();
            tokio::spawn(async move {
                let _ = events.send(Event::Wanted).await;
            });
        }
    }

    /// A segment has come.
    pub(crate) async fn on_offer(&mut self, offer: Offer) {
        if let Some(publishing) = &mut self.publishing {
            publishing.offers.backlog.push_back(offer);
        }
        self.on_wanted().await;
        let surplus = self.publishing.as_mut().and_then(|p| p.offers.surplus());
        if let Some(offer) = surplus {
            let words = "a live segment is given up: too many before it are unfinished";
            self.tell(Notice::Warning(words.into())).await;
            if let Some(timing) = offer.timing {
                self.write_hole(timing);
            }
        }
    }

    /// Hands the core what it has room for.
    pub(crate) async fn on_wanted(&mut self) {
        while let Some((seq, offer)) = self.publishing.as_mut().and_then(|p| p.offers.next()) {
            self.publish_segment(seq, offer).await;
        }
    }

    async fn publish_segment(&mut self, seq: u32, offer: Offer) {
        let now = self.now().block;
        let Some(publishing) = &mut self.publishing else {
            return;
        };
        if let Some(progress) = &mut publishing.progress {
            progress.begun(seq);
        }
        if let Some(timing) = offer.timing {
            if let Some(patience) = publishing.offers.patience {
                // From when its last frame came in.
                let came = timing.date.map(|date| date + timing.duration);
                let age = came.and_then(|came| SystemTime::now().duration_since(came).ok());
                let left = patience.saturating_sub(age.unwrap_or_default());
                let events = self.events.clone();
                tokio::spawn(async move {
                    tokio::time::sleep(left).await;
                    let _ = events.send(Event::Overdue(seq)).await;
                });
            }
            let mut packager = publishing
                .packager
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if let Err(e) = packager.announce(seq, timing, offer.sounds) {
                tracing::warn!("the playlist before segment {seq}: {e}");
            }
        }
        if publishing.offers.is_live() {
            self.need_live_source(offer.source.hash, now);
        }
        self.drive_broadcaster(Input::Segment(offer.source)).await;
    }

    /// Time of a live stream that nobody was asked to transcode.
    fn write_hole(&self, timing: Timing) {
        let Some(packager) = self.publishing.as_ref().map(|p| p.packager.clone()) else {
            return;
        };
        let mut packager = packager.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(e) = packager.hole(timing) {
            tracing::warn!("the playlist without a segment: {e}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Offer {
        Offer::from(assay_roles::broadcaster::Source {
            hash: Default::default(),
            len: 1,
            frames_root: Default::default(),
            frame_count: 1,
        })
    }

    #[tokio::test]
    async fn the_end_of_a_source_is_told_behind_its_last_segment() {
        for patience in [None, Some(Duration::from_secs(1))] {
            let (sender, source) = mpsc::channel(4);
            let (events, mut told) = mpsc::channel(8);
            let mut offers = Offers::new(source, patience, 0, events);
            for _ in 0..3 {
                assert!(!offers.want());
            }
            for _ in 0..2 {
                sender.send(offer()).await.unwrap();
            }
            drop(sender);
            for _ in 0..2 {
                assert!(matches!(told.recv().await, Some(Event::Offer(_))));
            }
            assert!(matches!(told.recv().await, Some(Event::SourceEnded)));
        }
    }
}
