//! The broadcaster's shell.

use std::collections::BTreeSet;

use assay_protocol::B256;
use assay_protocol::checked::Now;
use assay_protocol::election::Snapshot;
use assay_roles::broadcaster::{Broadcaster, Input, Output};

use super::inbox::{Mail, Message};
use super::report::Fact;
use super::shell::{Action, Commons, Desk, Done, Stimulus};

/// The core and what it needs around it.
pub(super) struct BroadcasterNode {
    pub core: Broadcaster,
    /// Segments still to come; the sequence number of the next one.
    next_seq: u32,
    segments: u32,
    collecting: BTreeSet<B256>,
    pushed: BTreeSet<B256>,
}

impl BroadcasterNode {
    pub fn new(core: Broadcaster, segments: u32) -> Self {
        Self {
            core,
            next_seq: 0,
            segments,
            collecting: BTreeSet::new(),
            pushed: BTreeSet::new(),
        }
    }

    /// A round begins before the block that opens it is told.
    pub fn round(&mut self, snapshot: Snapshot, now: Now) -> Vec<Output> {
        self.core.handle(Input::Round(snapshot), now)
    }

    pub fn hear(
        &mut self,
        stimulus: Stimulus,
        now: Now,
        desk: &mut Desk,
        commons: &mut Commons,
    ) -> Vec<Action> {
        let outputs = match stimulus {
            Stimulus::Block(news) => {
                let frozen = |case: &super::court::Case, frozen| Input::Frozen {
                    operator: case.operator,
                    frozen,
                };
                let thaws = news.executed.iter().map(|case| frozen(case, false));
                let freezes = news.opened.iter().map(|case| frozen(case, true));
                let inputs: Vec<_> = thaws.chain(freezes).chain([Input::Block]).collect();
                inputs
                    .into_iter()
                    .flat_map(|input| self.core.handle(input, now))
                    .collect()
            }
            Stimulus::Mail(Mail::Receipt(receipt)) => {
                self.core.handle(Input::Receipt(receipt), now)
            }
            Stimulus::Mail(Mail::Refusal(refusal)) => {
                self.core.handle(Input::Refusal(refusal), now)
            }
            Stimulus::Mail(Mail::Output(assignment)) => {
                self.pushed.insert(assignment);
                self.stored(assignment, now)
            }
            Stimulus::Done(Done::Sealed(sealed)) => self.core.handle(Input::Signed(sealed), now),
            Stimulus::Done(Done::Segment) => {
                let source = commons.media.source(self.next_seq);
                self.next_seq += 1;
                self.core.handle(Input::Segment(source), now)
            }
            _ => Vec::new(),
        };
        self.perform(outputs, now, desk, commons)
    }

    fn stored(&mut self, assignment: B256, now: Now) -> Vec<Output> {
        if self.pushed.contains(&assignment) && self.collecting.contains(&assignment) {
            self.core.handle(Input::Stored { assignment }, now)
        } else {
            Vec::new()
        }
    }

    pub fn perform(
        &mut self,
        outputs: Vec<Output>,
        now: Now,
        desk: &mut Desk,
        commons: &mut Commons,
    ) -> Vec<Action> {
        let mut actions = Vec::new();
        for output in outputs {
            match output {
                Output::WantSegment => {
                    if self.segments > 0 {
                        self.segments -= 1;
                        actions.push(Action::NextSegment);
                    }
                }
                Output::Sign(draft) => actions.push(desk.sign(draft, commons)),
                Output::Publish(signed) => {
                    let electee = signed.assignment.transcoder;
                    let message = Message::Assignment(signed);
                    actions.push(Action::Gossip(message.clone()));
                    actions.push(Action::Send(electee, message));
                }
                // Nothing is due here: the electee has it by gossip and by the message above.
                Output::Quote { .. } | Output::Assign(..) => {}
                Output::Collect(receipt) => {
                    let assignment = receipt.message.receipt.receipt.assignmentHash;
                    self.collecting.insert(assignment);
                    let outputs = self.stored(assignment, now);
                    actions.extend(self.perform(outputs, now, desk, commons));
                }
                Output::Delivered { seq, transcoder } => {
                    actions.push(Action::Fact(Fact::Delivered { seq, transcoder }));
                }
                Output::Gap { seq } => actions.push(Action::Fact(Fact::Gap { seq })),
                Output::Skipped { seq, skip } => {
                    actions.push(Action::Fact(Fact::Skipped { seq, skip }));
                }
            }
        }
        actions
    }
}
