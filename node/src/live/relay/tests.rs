use std::cell::RefCell;
use std::future::{pending, ready};

use assay_roles::broadcaster::Source;
use tokio::sync::Notify;

use super::*;

const LONG: Duration = Duration::from_secs(600);
const SHORT: Duration = Duration::from_millis(50);

fn segment(number: u64) -> LiveSegment {
    LiveSegment {
        bytes: Vec::new(),
        frames: 50,
        timing: Timing {
            start: Duration::from_secs(number),
            duration: Duration::from_secs(1),
            frames: Vec::new(),
            discontinuity: false,
            date: None,
        },
        sounds: Vec::new(),
    }
}

/// One that does not grow old meanwhile.
fn event(number: u64) -> LiveEvent {
    LiveEvent::Segment {
        segment: Box::new(segment(number)),
        came: Instant::now() + LONG,
    }
}

fn connected() -> LiveEvent {
    LiveEvent::Connected {
        from: "there".into(),
    }
}

fn number(timing: &Timing) -> u64 {
    timing.start.as_secs()
}

fn good(segment: &LiveSegment) -> Looked {
    let source = Source {
        hash: Default::default(),
        len: 1,
        frames_root: Default::default(),
        frame_count: segment.frames,
    };
    Looked::Good(Box::new(Offer {
        source: Some(source),
        timing: Some(segment.timing.clone()),
        sounds: Vec::new(),
        came: None,
    }))
}

/// Numbers of what is offered, negative where it is missing.
fn told(offer: &Offer) -> i64 {
    let number = number(offer.timing.as_ref().unwrap()) as i64;
    if offer.source.is_some() {
        number
    } else {
        -number
    }
}

/// Gives everything else here the time to do what it can.
async fn settle() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

/// Relays `events` to a node that takes everything.
async fn through<F: Future<Output = Looked>>(
    events: Vec<LiveEvent>,
    patience: Duration,
    look: impl Fn(Box<LiveSegment>, bool) -> F,
) -> Vec<i64> {
    let (sender, mut receiver) = mpsc::channel(1);
    let (offers, mut offered) = mpsc::channel(1);
    let send = async move {
        for event in events {
            sender.send(event).await.unwrap();
            // One after the other, as a sender does.
            settle().await;
        }
    };
    let carry = async move {
        relay(&mut receiver, None, patience, look, |_| {}, &offers).await;
    };
    let take = async {
        let mut all = Vec::new();
        while let Some(offer) = offered.recv().await {
            all.push(told(&offer));
        }
        all
    };
    tokio::join!(send, carry, take).2
}

#[tokio::test]
async fn a_damaged_first_segment_does_not_end_it() {
    let asked = RefCell::new(Vec::new());
    let look = |segment: Box<LiveSegment>, known: bool| {
        asked.borrow_mut().push((number(&segment.timing), known));
        let looked = match number(&segment.timing) {
            1 | 3 => Looked::Bad,
            _ => good(&segment),
        };
        ready(looked)
    };
    let events = [1, 2, 3, 4].map(event);
    let events = [connected()].into_iter().chain(events).collect();
    // A hole where a stream that belongs here is missing something.
    assert_eq!(through(events, LONG, look).await, [2, -3, 4]);
    let expected = [(1, false), (2, false), (3, true), (4, true)];
    assert_eq!(*asked.borrow(), expected);
}

#[tokio::test]
async fn a_foreign_sender_is_asked_once_and_the_next_one_again() {
    let asked = RefCell::new(Vec::new());
    let look = |segment: Box<LiveSegment>, _: bool| {
        asked.borrow_mut().push(number(&segment.timing));
        let looked = match number(&segment.timing) {
            1..=3 => Looked::Foreign,
            _ => good(&segment),
        };
        ready(looked)
    };
    let mut events = vec![connected()];
    events.extend([1, 2, 3].map(event));
    events.push(connected());
    events.extend([4, 5].map(event));
    assert_eq!(through(events, LONG, look).await, [4, 5]);
    assert_eq!(*asked.borrow(), [1, 4, 5]);
}

#[tokio::test]
async fn no_sender_waits_for_what_is_looked_at() {
    let go_on = &Notify::new();
    let look = |segment: Box<LiveSegment>, _: bool| async move {
        match number(&segment.timing) {
            2 => {
                go_on.notified().await;
                Looked::Bad
            }
            _ => good(&segment),
        }
    };
    let (sender, mut receiver) = mpsc::channel(1);
    let (offers, mut offered) = mpsc::channel(1);
    let relayed = relay(&mut receiver, None, LONG, look, |_| {}, &offers);
    let check = async {
        sender.send(event(1)).await.unwrap();
        assert_eq!(offered.recv().await.as_ref().map(told), Some(1));
        // Many more than any channel here holds, while the second one is looked at.
        for number in 2..40 {
            sender.send(event(number)).await.unwrap();
        }
        settle().await;
        go_on.notify_one();
        let mut all = Vec::new();
        while all.last() != Some(&39) {
            all.push(told(&offered.recv().await.unwrap()));
        }
        // The bad one, those that were too many behind it, and the last ones.
        let holes = (2..=23).map(|number| -number);
        let expected: Vec<_> = holes.chain(24..=39).collect();
        assert_eq!(all, expected);
    };
    tokio::select! {
        () = relayed => panic!("it has ended"),
        // It waits for ever, if at all.
        done = tokio::time::timeout(Duration::from_secs(60), check) => done.unwrap(),
    }
}

#[tokio::test]
async fn what_is_looked_at_for_too_long_leaves_a_hole() {
    let look = |segment: Box<LiveSegment>, _: bool| async move {
        match number(&segment.timing) {
            2 => pending().await,
            _ => good(&segment),
        }
    };
    let events = [1, 2, 3].map(event).into();
    assert_eq!(through(events, SHORT, look).await, [1, -2, 3]);
}

#[tokio::test]
async fn before_the_node_begins_only_the_newest_wait() {
    let mut relay = Relay::new(LONG);
    relay.sender = 3;
    for number in 1..=5 {
        relay.came(Box::new(segment(number)), Instant::now());
        let work = relay.next(Instant::now()).unwrap();
        relay.looked(match number {
            2 => Looked::Bad,
            _ => good(&work.segment),
        });
    }
    let ready: Vec<_> = relay.ready.iter().map(told).collect();
    assert_eq!(ready, [4, 5]);
    assert!(relay.ready.iter().all(|offer| offer.came.is_some()));
}

#[test]
fn what_is_too_old_is_not_looked_at() {
    let mut relay = Relay::new(SHORT);
    relay.begun = true;
    relay.fits = Some((0, true));
    relay.came(Box::new(segment(1)), Instant::now());
    assert!(relay.next(Instant::now() + LONG).is_none());
    assert_eq!(told(&relay.ready[0]), -1);
}
