//! How many segments are under way at once.

use std::collections::VecDeque;

use crate::regressions::{DOMAIN, drafts, sealed, snapshot, source};
use crate::scene::job;

use assay_protocol::B256;
use assay_protocol::assignment::{Refusal, RefusalReason};
use assay_protocol::checked::{Checked, Now};
use assay_protocol::params::Params;
use assay_protocol::sig::Signature;
use assay_roles::broadcaster::{Broadcaster, Input, Output};

/// A broadcaster and what becomes of its segments.
struct Stream {
    core: Broadcaster,
    now: Now,
    todo: VecDeque<Input>,
    working: VecDeque<B256>,
    most: usize,
    delivered: usize,
    lost: Vec<u32>,
}

impl Stream {
    fn with(transcoders: u8) -> Self {
        let mut core = Broadcaster::new(Params::demo(), job(1), B256::ZERO, 16, 0);
        let now = Now { block: 10 };
        core.handle(Input::Round(snapshot(1, transcoders)), now);
        core.handle(Input::Block, now);
        Self {
            core,
            now,
            todo: VecDeque::new(),
            working: VecDeque::new(),
            most: 0,
            delivered: 0,
            lost: Vec::new(),
        }
    }

    fn block(&mut self, block: u64, takes: usize) {
        self.now = Now { block };
        self.todo.push_back(Input::Block);
        self.go(takes);
    }

    /// So many more segments come at once, to transcoders that take so many together.
    fn comes(&mut self, segments: usize, takes: usize) {
        let more = (0..segments).map(|_| Input::Segment(source()));
        self.todo.extend(more);
        self.go(takes);
    }

    /// Delivers all that is worked on, and what follows.
    fn delivers(&mut self, takes: usize) {
        while let Some(assignment) = self.working.pop_front() {
            self.todo.push_back(Input::Stored { assignment });
            self.go(takes);
        }
    }

    fn go(&mut self, takes: usize) {
        while let Some(input) = self.todo.pop_front() {
            for output in self.core.handle(input, self.now) {
                self.follow(output, takes);
            }
        }
    }

    fn follow(&mut self, output: Output, takes: usize) {
        match output {
            Output::Sign(draft) => self.todo.push_back(Input::Signed(sealed(draft))),
            Output::Publish(signed) if self.working.len() < takes => {
                self.working.push_back(DOMAIN.digest(&signed.assignment));
                self.most = self.most.max(self.working.len());
            }
            Output::Publish(signed) => {
                let refusal = Refusal {
                    assignmentHash: DOMAIN.digest(&signed.assignment),
                    reason: RefusalReason::Overloaded as u8,
                };
                let checked = Checked {
                    hash: DOMAIN.digest(&refusal),
                    signer: signed.assignment.transcoder,
                    message: (refusal, Signature([0; 65].into())),
                };
                self.todo.push_back(Input::Refusal(checked));
            }
            Output::Delivered { .. } => self.delivered += 1,
            Output::Gap { seq } => self.lost.push(seq),
            _ => {}
        }
    }
}

/// A stream that is fetched begins with a burst; whom it meets alone must not have refused most of it by the time that it has room.
#[test]
fn a_burst_waits_for_the_one_transcoder_that_there_is() {
    let mut stream = Stream::with(1);
    stream.comes(13, 4);
    stream.delivers(4);
    assert!(stream.core.is_idle());
    assert_eq!((stream.delivered, stream.lost.len()), (12, 1));
    assert_eq!(stream.most, 4);
}

/// Refusing costs nothing: it must not keep a network from a stream that it is large enough for.
#[test]
fn a_storm_of_refusals_leaves_a_segment_for_each_transcoder() {
    let mut stream = Stream::with(5);
    for block in 11..21 {
        stream.comes(1, 0);
        stream.block(block, 0);
    }
    assert_eq!(stream.lost.len(), 10, "nobody had room");
    stream.comes(16, 16);
    assert_eq!(stream.working.len(), 5);
    stream.delivers(16);
    assert_eq!(
        (stream.delivered, stream.most),
        (16, 5),
        "too early for more"
    );
    stream.block(40, 16);
    stream.comes(16, 16);
    stream.delivers(16);
    assert!(stream.most > 5 && stream.lost.len() == 10);
    assert!(stream.core.is_idle());
}

/// Who takes one at a time is given one at a time after the first loss.
#[test]
fn a_transcoder_with_room_for_one_loses_one() {
    let mut stream = Stream::with(1);
    for _ in 0..5 {
        stream.comes(8, 1);
        stream.delivers(1);
    }
    assert_eq!((stream.delivered, stream.lost.len()), (39, 1));
    // A frozen one is none that may be given anything.
    let mut stream = Stream::with(2);
    let operator = snapshot(1, 2).candidates[0].operator;
    stream.todo.push_back(Input::Frozen {
        operator,
        frozen: true,
    });
    stream.comes(13, 1);
    stream.delivers(1);
    assert!(stream.delivered >= 10, "{} of 13", stream.delivered);
}

/// Where nobody has room, what comes next waits for the next block, for whatever is delivered, or for its own time.
#[test]
fn after_a_loss_nothing_is_tried_at_once() {
    let mut stream = Stream::with(1);
    stream.comes(9, 0);
    assert_eq!(stream.lost, [0, 1], "what was on its way together");
    stream.comes(1, 16);
    assert!(stream.working.is_empty(), "others wait before it");
    stream.block(11, 16);
    stream.delivers(16);
    assert_eq!((stream.delivered, stream.lost.len()), (8, 2));
    stream.comes(1, 0);
    stream.comes(1, 16);
    assert_eq!((stream.working.len(), stream.lost.len()), (1, 3));
}

#[test]
fn what_has_waited_too_long_is_promised_to_nobody() {
    let mut core = Broadcaster::new(Params::demo(), job(1), B256::ZERO, 16, 0);
    let now = Now { block: 10 };
    core.handle(Input::Round(snapshot(1, 1)), now);
    let mut begun = Vec::new();
    for _ in 0..3 {
        begun.extend(drafts(&core.handle(Input::Segment(source()), now)));
    }
    assert_eq!(begun.len(), 2);
    // The ones that were promised may still come.
    let waited = |core: &mut Broadcaster, seq| core.handle(Input::Waited { seq }, now);
    assert_eq!(waited(&mut core, 0), []);
    assert!(waited(&mut core, 2).contains(&Output::Gap { seq: 2 }));
    assert_eq!(waited(&mut core, 2), []);
}
