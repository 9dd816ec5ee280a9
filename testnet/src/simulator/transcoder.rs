//! The transcoder's shell: honest, lazy or cheating.

use assay_protocol::assignment::{RefusalReason, SignedAssignment};
use assay_protocol::checked::Now;
use assay_protocol::draft::{Draft, Seal};
use assay_protocol::receipt::{Receipt, SignedReceipt, output_tree};
use assay_protocol::verdict::LeafId;
use assay_protocol::wire::{Gossip, ReceiptMessage};
use assay_protocol::{B256, keccak256};
use assay_roles::transcoder::{Encoded, Input, Output, Transcoder};

use super::inbox::{Mail, Message};
use super::media::Craft;
use super::report::Fact;
use super::scenario::TranscoderConduct;
use super::shell::{Action, Commons, Desk, Done, Stimulus};

/// The core and its conduct.
pub(super) struct TranscoderNode {
    pub core: Transcoder,
    pub conduct: TranscoderConduct,
}

/// A number that depends on seed, segment and leaf alone.
fn lot(seed: u64, seq: u32, leaf: u32) -> u64 {
    let hash = keccak256(
        [
            &b"cheat"[..],
            &seed.to_be_bytes(),
            &seq.to_be_bytes(),
            &leaf.to_be_bytes(),
        ]
        .concat(),
    );
    hash[..8].iter().fold(0, |n, b| n << 8 | u64::from(*b))
}

impl TranscoderNode {
    pub fn hear(
        &mut self,
        stimulus: Stimulus,
        now: Now,
        desk: &mut Desk,
        commons: &mut Commons,
    ) -> Vec<Action> {
        if self.conduct == TranscoderConduct::Silent {
            return Vec::new();
        }
        let input = match stimulus {
            Stimulus::Block(_) => Input::Block,
            Stimulus::Mail(Mail::Assignment(assignment)) => Input::Assignment(assignment),
            Stimulus::Done(Done::Sealed(sealed)) => Input::Signed(sealed),
            Stimulus::Done(Done::Transcoded {
                assignment,
                plant,
                result,
            }) => Input::Transcoded {
                assignment,
                plant,
                result,
            },
            _ => return Vec::new(),
        };
        let mut actions = Vec::new();
        for output in self.core.handle(input, now) {
            self.perform(output, desk, commons, &mut actions);
        }
        actions
    }

    fn perform(
        &self,
        output: Output,
        desk: &mut Desk,
        commons: &mut Commons,
        actions: &mut Vec<Action>,
    ) {
        match output {
            Output::Transcode {
                assignment, hash, ..
            } => {
                let result = self.encode(&assignment, commons);
                let plant = [commons.random.between((0, u64::MAX - 1)); 4];
                let plant = plant.map(u64::to_be_bytes).concat();
                let done = Done::Transcoded {
                    assignment: hash,
                    plant: B256::from_slice(&plant),
                    result,
                };
                let delay = commons.random.between(commons.pace.transcode);
                actions.push(Action::After(delay, done));
            }
            Output::Sign(draft) => actions.push(desk.sign(draft, commons)),
            Output::Gossip(Gossip::Receipt(message)) => {
                actions.push(self.fact(&message, commons));
                if self.conduct == TranscoderConduct::TwoReceipts {
                    actions.extend(second(&message, desk, commons));
                }
                actions.push(Action::Gossip(Message::Receipt(message)));
            }
            Output::Refuse {
                to,
                refusal,
                signature,
            } => {
                actions.push(Action::Send(to, Message::Refusal(refusal, signature)));
            }
            Output::Push { to, assignment } if self.conduct != TranscoderConduct::Withholding => {
                actions.push(Action::Send(to, Message::Output(assignment)));
            }
            Output::Gossip(_)
            | Output::Push { .. }
            | Output::Forget(_)
            | Output::Keep(_)
            | Output::Unpaid { .. } => {}
        }
    }

    fn craft(&self, seed: u64, seq: u32, leaf: u32) -> Craft {
        match self.conduct {
            TranscoderConduct::WorseChunks { one_in }
                if lot(seed, seq, leaf).is_multiple_of(one_in) =>
            {
                Craft::WorseQuantizer
            }
            TranscoderConduct::WrongFrames { one_in }
                if lot(seed, seq, leaf).is_multiple_of(one_in) =>
            {
                Craft::WrongFramesRoot
            }
            _ => Craft::Right,
        }
    }

    fn encode(
        &self,
        assignment: &SignedAssignment,
        commons: &Commons,
    ) -> Result<Encoded, RefusalReason> {
        let (seed, seq) = (commons.seed, assignment.assignment.seq);
        match self.conduct {
            TranscoderConduct::Refusing { one_in }
                if lot(seed, seq, u32::MAX).is_multiple_of(one_in) =>
            {
                Err(RefusalReason::EncoderFailed)
            }
            _ => commons
                .media
                .encode(&assignment.assignment.sourceHash, |leaf| {
                    self.craft(seed, seq, leaf)
                })
                .ok_or(RefusalReason::SourceUnavailable),
        }
    }

    /// The receipt with what is wrong about it, for the report.
    fn fact(&self, message: &ReceiptMessage, commons: &Commons) -> Action {
        let assignment = &message.assignment.assignment;
        let receipt = commons.domain.digest(&message.receipt.receipt);
        let wrong = (0..assignment.leafCount)
            .filter(|index| self.craft(commons.seed, assignment.seq, *index) != Craft::Right);
        Action::Fact(Fact::Receipted {
            receipt,
            transcoder: assignment.transcoder,
            deadline: assignment.deadlineBlock,
            wrong: wrong.map(|index| LeafId { receipt, index }).collect(),
        })
    }
}

/// Another receipt for the same assignment, past the journal, with its first leaf wrong.
fn second(message: &ReceiptMessage, desk: &Desk, commons: &Commons) -> Vec<Action> {
    let mut leaves = message.receipt.leaves.clone();
    if let Some(first) = leaves.first_mut() {
        first.output_hash = keccak256(b"another");
    }
    let receipt = Receipt {
        outputRoot: output_tree(&leaves).root(),
        ..message.receipt.receipt.clone()
    };
    let draft = Draft::Receipt(receipt.clone());
    let sealed = desk.keys.seal(draft, &commons.domain);
    let Seal::Operator(signature) = sealed.seal else {
        return Vec::new();
    };
    let assignment = message.assignment.clone();
    let fact = Fact::Receipted {
        receipt: sealed.hash,
        transcoder: desk.me(),
        deadline: assignment.assignment.deadlineBlock,
        wrong: vec![LeafId {
            receipt: sealed.hash,
            index: 0,
        }],
    };
    let receipt = SignedReceipt {
        receipt,
        signature,
        leaves,
    };
    let message = Box::new(ReceiptMessage {
        assignment,
        receipt,
    });
    vec![
        Action::Fact(fact),
        Action::Gossip(Message::Receipt(message)),
    ]
}
