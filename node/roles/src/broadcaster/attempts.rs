//! The attempts at a segment: whom the election names, and the next one where that fails.

use assay_protocol::assignment::{Assignment, MAX_ATTEMPT, Skip, SkipReason};
use assay_protocol::checked::Now;
use assay_protocol::draft::Draft;
use assay_protocol::election::{Candidate, elect_without};
use assay_protocol::payment::due;
use assay_protocol::round_work::output_pixels;

use super::{Broadcaster, Current, Flight, Output};

impl Broadcaster {
    /// Elects for the next attempt of a segment; passes over the frozen; gives up when nobody is left.
    pub(super) fn assign(&mut self, seq: u32, now: Now) -> Vec<Output> {
        // It waits, and is assigned in the first block of the round in which the encoder counts again.
        if self.stopped {
            return Vec::new();
        }
        let (Some(snapshot), Some(mut flight)) = (self.snapshot.clone(), self.flights.remove(&seq))
        else {
            return Vec::new();
        };
        let (ballot, mut outputs) = (self.job.ballot(seq), Vec::new());
        loop {
            let attempt = flight.skips.len() as u8;
            let excluded: Vec<_> = flight.skips.iter().map(|skip| skip.electee).collect();
            let elect = || elect_without(&ballot, &snapshot, attempt, &excluded);
            let winner = (attempt <= MAX_ATTEMPT).then(elect).flatten();
            match winner {
                Some(winner) if self.frozen.contains(&winner.operator) => {
                    let skip = Skip {
                        electee: winner.operator,
                        round: snapshot.round,
                        reason: SkipReason::Frozen,
                    };
                    outputs.push(Output::Skipped {
                        seq,
                        skip: skip.clone(),
                    });
                    flight.skips.push(skip);
                }
                Some(winner) => {
                    let assignment = self.draft(seq, attempt, snapshot.round, &flight, winner, now);
                    flight.promised = true;
                    flight.current = Some(Current {
                        attempt,
                        hash: None,
                        electee: winner.operator,
                        round: snapshot.round,
                        deadline: assignment.deadlineBlock,
                        receipted: false,
                        signed: None,
                        due: due(
                            &assignment,
                            output_pixels(&self.job.profiles, assignment.frameCount),
                        ),
                        paid: false,
                    });
                    outputs.push(Output::Sign(Draft::Assignment(assignment)));
                    self.flights.insert(seq, flight);
                    return outputs;
                }
                // All are frozen and nothing was promised yet: begin anew with the next block.
                None if !flight.promised => {
                    flight.skips.clear();
                    self.flights.insert(seq, flight);
                    return Vec::new();
                }
                None => {
                    self.has_lost(&flight.skips);
                    outputs.push(Output::Gap { seq });
                    return outputs;
                }
            }
        }
    }

    fn draft(
        &self,
        seq: u32,
        attempt: u8,
        round: u64,
        flight: &Flight,
        winner: Candidate,
        now: Now,
    ) -> Assignment {
        let source = &flight.source;
        Assignment {
            jobId: self.job.id,
            seq,
            attempt,
            round,
            transcoder: winner.operator,
            sourceHash: source.hash,
            sourceLen: source.len,
            framesRoot: source.frames_root,
            frameCount: source.frame_count,
            profilesHash: self.job.profiles.hash(),
            encoderId: self.encoder_id,
            leafCount: flight.leaf_count,
            pricePerPixel: winner.price,
            deadlineBlock: self.block.unwrap_or(now.block) + self.params.response_blocks,
        }
    }

    pub(super) fn on_block(&mut self, now: Now) -> Vec<Output> {
        self.block = Some(now.block);
        self.room.wake();
        let late = self.params.late_blocks;
        let mut overdue = Vec::new();
        for (seq, flight) in &self.flights {
            match &flight.current {
                // A receipt without its output is worth no more than silence.
                Some(current)
                    if now.block
                        > current.deadline + if current.receipted { 2 * late } else { 0 } =>
                {
                    overdue.push(*seq);
                }
                Some(_) | None => {}
            }
        }
        let mut outputs = Vec::new();
        for seq in overdue {
            outputs.extend(self.pass_over(seq, SkipReason::Timeout, now));
        }
        outputs.extend(self.assign_waiting(now));
        outputs.extend(self.sign_again());
        outputs
    }

    /// Asks once more for what could not be written down, in the very words: the journal may have them all the same.
    fn sign_again(&mut self) -> Vec<Output> {
        let drafts = std::mem::take(&mut self.unsigned);
        let counts = |draft: &Draft| match draft {
            Draft::Assignment(assignment) => {
                let flight = self.flights.get(&assignment.seq);
                let current = flight.and_then(|flight| flight.current.as_ref());
                current.is_some_and(|c| c.hash.is_none() && c.attempt == assignment.attempt)
            }
            Draft::Payment(ticket) => {
                let current = self.current(ticket.assignmentHash);
                current.is_some_and(|current| !current.paid)
            }
            _ => false,
        };
        drafts
            .into_iter()
            .filter(counts)
            .map(Output::Sign)
            .collect()
    }

    pub(super) fn pass_over(&mut self, seq: u32, reason: SkipReason, now: Now) -> Vec<Output> {
        let flight = self.flights.get_mut(&seq);
        let taken = flight.and_then(|flight| Some((flight.current.take()?, flight)));
        let Some((current, flight)) = taken else {
            return Vec::new();
        };
        if current.paid {
            *self.unearned.entry(current.electee).or_default() += 1;
        }
        let skip = Skip {
            electee: current.electee,
            round: current.round,
            reason,
        };
        flight.skips.push(skip.clone());
        let mut outputs = vec![Output::Skipped { seq, skip }];
        outputs.extend(self.assign(seq, now));
        outputs
    }
}
