//! Segments on their way into the broadcaster's core: a file waits to be asked, a live stream does not.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use assay_encoder::package::Timing;
use assay_roles::broadcaster::{Input, Source};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use crate::driver::{Event, Node};
use crate::notice::Notice;
use crate::settings::Offer;

/// Live segments that wait because too many are unfinished; then the oldest is given up, as late ones are worth least.
const BACKLOG: usize = 2;

/// What comes next.
enum Next {
    /// A segment, with its number, for the core.
    Segment(u32, Source, Box<Offer>),
    /// Time without one, for the playlist.
    Hole(Timing),
}

/// Where segments come from, and those that came too early.
pub(crate) struct Offers {
    source: Arc<tokio::sync::Mutex<mpsc::Receiver<Offer>>>,
    /// Whether it has come to its end, once it is closed.
    ended: Arc<AtomicBool>,
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
        ended: Arc<AtomicBool>,
        patience: Option<Duration>,
        next_seq: u32,
        events: mpsc::Sender<Event>,
    ) -> Self {
        let source = Arc::new(tokio::sync::Mutex::new(source));
        let reader = patience.map(|_| {
            let (source, ended, events) = (source.clone(), ended.clone(), events.clone());
            let read = async move {
                let mut source = source.lock().await;
                while let Some(offer) = source.recv().await {
                    if events.send(Event::Offer(Box::new(offer))).await.is_err() {
                        return;
                    }
                }
                if ended.load(Ordering::Acquire) {
                    let _ = events.send(Event::SourceEnded).await;
                }
            };
            tokio::spawn(read).abort_handle()
        });
        Self {
            source,
            ended,
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
        self.fetch();
        !self.backlog.is_empty()
    }

    /// Takes one more from who waits until it is taken; a live stream's come by themselves.
    fn fetch(&self) {
        if self.is_live() {
            return;
        }
        let (source, events) = (self.source.clone(), self.events.clone());
        let ended = self.ended.clone();
        tokio::spawn(async move {
            // Held until it is sent: segments stay in order.
            let mut source = source.lock().await;
            let event = match source.recv().await {
                Some(offer) => Event::Offer(Box::new(offer)),
                None if ended.load(Ordering::Acquire) => Event::SourceEnded,
                None => return,
            };
            let _ = events.send(event).await;
        });
    }

    /// What comes next, as far as the core has room.
    fn next(&mut self) -> Option<Next> {
        while let Some(offer) = self.backlog.front() {
            if let Some(source) = offer.source {
                self.wanted = self.wanted.checked_sub(1)?;
                let offer = self.backlog.pop_front()?;
                self.next_seq += 1;
                return Some(Next::Segment(self.next_seq - 1, source, Box::new(offer)));
            }
            let hole = self.backlog.pop_front().and_then(|offer| offer.timing);
            // What is wanted comes behind it.
            self.fetch();
            if let Some(timing) = hole {
                return Some(Next::Hole(timing));
            }
        }
        None
    }

    /// The one that is given up because too many wait.
    fn surplus(&mut self) -> Option<Offer> {
        let segments = self.backlog.iter().filter(|offer| offer.source.is_some());
        let over = segments.count() > BACKLOG;
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
            // What is missing right behind it.
            self.on_wanted().await;
        }
    }

    /// Hands the core what it has room for.
    pub(crate) async fn on_wanted(&mut self) {
        while let Some(next) = self.publishing.as_mut().and_then(|p| p.offers.next()) {
            match next {
                Next::Segment(seq, source, offer) => {
                    self.publish_segment(seq, source, *offer).await
                }
                Next::Hole(timing) => self.write_hole(timing),
            }
        }
    }

    async fn publish_segment(&mut self, seq: u32, source: Source, offer: Offer) {
        let now = self.now().block;
        let Some(publishing) = &mut self.publishing else {
            return;
        };
        if let Some(progress) = &mut publishing.progress {
            progress.begun(seq);
        }
        if let Some(timing) = offer.timing {
            if let Some(patience) = publishing.offers.patience {
                let age = offer.came.map(|came| came.elapsed()).unwrap_or_default();
                let left = patience.saturating_sub(age);
                let events = self.events.clone();
                tokio::spawn(async move {
                    // Half of the time is to transcode it in.
                    tokio::time::sleep(left / 2).await;
                    let waited = Event::Broadcaster(Input::Waited { seq });
                    let _ = events.send(waited).await;
                    tokio::time::sleep(left / 2).await;
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
        self.need_own_source(source.hash, now);
        self.drive_broadcaster(Input::Segment(source)).await;
    }

    /// Time of a stream that nobody was asked to transcode.
    fn write_hole(&mut self, timing: Timing) {
        let Some(publishing) = &mut self.publishing else {
            return;
        };
        if let Some(progress) = &mut publishing.progress {
            progress.left_out();
        }
        let mut packager = publishing
            .packager
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Err(e) = packager.hole(timing) {
            tracing::warn!("the playlist without a segment: {e}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(number: u32, whole: bool) -> Offer {
        let source = Source {
            hash: Default::default(),
            len: 1,
            frames_root: Default::default(),
            frame_count: number,
        };
        Offer {
            source: whole.then_some(source),
            timing: Some(Timing {
                start: Duration::from_secs(number.into()),
                duration: Duration::from_secs(1),
                frames: Vec::new(),
                discontinuity: false,
                date: None,
            }),
            sounds: Vec::new(),
            came: None,
        }
    }

    #[tokio::test]
    async fn holes_keep_their_places_and_need_no_room() {
        let (_segments, source) = mpsc::channel(1);
        let (events, _inbox) = mpsc::channel(1);
        let mut offers = Offers::new(source, Arc::default(), None, 7, events);
        let order = [
            (0, false),
            (1, true),
            (2, false),
            (3, true),
            (4, true),
            (5, true),
        ];
        let order = order.map(|(number, whole)| offer(number, whole));
        offers.backlog.extend(order);
        let mut heard = Vec::new();
        for wanted in [0, 1, 0] {
            offers.wanted += wanted;
            while let Some(next) = offers.next() {
                heard.push(match next {
                    Next::Segment(seq, source, _) => (seq, source.frame_count),
                    Next::Hole(timing) => (0, timing.start.as_secs() as u32),
                });
            }
        }
        assert_eq!(heard, [(0, 0), (7, 1), (0, 2)]);
        assert_eq!(
            offers.surplus().map(|o| o.source.unwrap().frame_count),
            Some(3)
        );
        assert!(offers.surplus().is_none());
    }

    #[tokio::test]
    async fn what_is_wanted_of_a_file_comes_behind_its_hole() {
        let (sender, source) = mpsc::channel(4);
        let (events, mut told) = mpsc::channel(8);
        let mut offers = Offers::new(source, Arc::default(), None, 0, events);
        assert!(!offers.want());
        for whole in [false, true] {
            sender.send(offer(1, whole)).await.unwrap();
        }
        for whole in [false, true] {
            let Some(Event::Offer(offer)) = told.recv().await else {
                panic!("no offer");
            };
            offers.backlog.push_back(*offer);
            let next = offers.next();
            assert_eq!(matches!(next, Some(Next::Segment(0, ..))), whole);
            assert!(next.is_some() && offers.next().is_none());
        }
    }

    #[tokio::test]
    async fn the_end_of_a_source_is_told_behind_its_last_segment_and_a_failure_is_none() {
        let live = Some(Duration::from_secs(1));
        for (patience, end) in [(None, true), (live, true), (None, false), (live, false)] {
            let (sender, source) = mpsc::channel(4);
            let (events, mut told) = mpsc::channel(8);
            let ended: Arc<AtomicBool> = Arc::default();
            let mut offers = Offers::new(source, ended.clone(), patience, 0, events);
            for _ in 0..3 {
                assert!(!offers.want());
            }
            for _ in 0..2 {
                sender.send(offer(1, true)).await.unwrap();
            }
            ended.store(end, Ordering::Release);
            drop(sender);
            for _ in 0..2 {
                assert!(matches!(told.recv().await, Some(Event::Offer(_))));
            }
            let last = tokio::time::timeout(Duration::from_millis(200), told.recv()).await;
            assert_eq!(matches!(last, Ok(Some(Event::SourceEnded))), end);
        }
    }
}
