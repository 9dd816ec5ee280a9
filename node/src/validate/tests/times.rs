//! Work is taken at its time only: [backdating], [fitting a receipt to published tickets].

use assay_protocol::election::Candidate;
use assay_protocol::profile::{Profiles, Rendition, SourceFormat};
use assay_protocol::receipt::{Leaf, Receipt, SignedReceipt, output_tree};
use assay_protocol::rules::Job;

use super::*;

const HEAD: u64 = 100;

/// A job's only transcoder, and the broadcaster, at block [`HEAD`].
struct Work {
    bench: Bench,
    broadcaster: OperatorKey,
    transcoder: OperatorKey,
    job: Job,
}

impl Work {
    fn new() -> Self {
        let key = |byte| OperatorKey::from_bytes([byte; 32]).unwrap();
        let (broadcaster, transcoder) = (key(8), key(9));
        let job = Job {
            id: U256::from(7),
            broadcaster: broadcaster.address(),
            profiles: Profiles {
                chunk_frames: 15,
                source: SourceFormat::plain(64, 64, 30),
                renditions: vec![Rendition::plain(64, 64, 10, 100)],
            },
            max_price: U256::ZERO,
            seed: B256::ZERO,
            seed_block: 0,
        };
        let bench = Bench::new();
        {
            let mut state = bench.checker.state.write().unwrap();
            let mut round = state.rounds[&1].clone();
            round.transcoders.candidates.push(Candidate {
                operator: transcoder.address(),
                weight: U256::from(1),
                price: U256::ZERO,
            });
            state.add_round(1, round);
            state.jobs.insert(job.id, job.clone());
        }
        Self {
            bench,
            broadcaster,
            transcoder,
            job,
        }
    }

    fn assignment(&self, deadline: u64) -> SignedAssignment {
        let assignment = Assignment {
            jobId: self.job.id,
            round: 1,
            transcoder: self.transcoder.address(),
            frameCount: 15,
            profilesHash: self.job.profiles.hash(),
            leafCount: 1,
            deadlineBlock: deadline,
            ..Default::default()
        };
        let digest = self.bench.checker.domain.digest(&assignment);
        SignedAssignment {
            assignment,
            signature: self.broadcaster.sign(digest),
            skips: Vec::new(),
        }
    }

    fn receipt(&self, deadline: u64) -> Gossip {
        let assignment = self.assignment(deadline);
        let leaves = vec![Leaf::default()];
        let receipt = Receipt {
            assignmentHash: self.bench.checker.domain.digest(&assignment.assignment),
            outputRoot: output_tree(&leaves).root(),
            ..Default::default()
        };
        let signature = self
            .transcoder
            .sign(self.bench.checker.domain.digest(&receipt));
        Gossip::Receipt(Box::new(ReceiptMessage {
            assignment,
            receipt: SignedReceipt {
                receipt,
                signature,
                leaves,
            },
        }))
    }
}

#[test]
fn an_assignment_is_signed_now_or_not_taken() {
    let work = Work::new();
    let now = HEAD + work.bench.checker.params.response_blocks;
    let judged = |deadline| {
        work.bench
            .checker
            .fresh_assignment(&work.assignment(deadline))
    };
    for near in [now - CLOCK_BLOCKS, now] {
        assert!(judged(near).is_ok(), "{near}");
    }
    let old = judged(now - CLOCK_BLOCKS - 1);
    assert!(matches!(old, Err(Refused::Unneeded(_))));
    // The block may not have been seen here yet.
    assert!(matches!(judged(now + 1), Err(Refused::Early(_))));
}

#[test]
fn a_receipt_that_is_first_seen_after_its_time_is_not_taken() {
    let work = Work::new();
    let last = HEAD - work.bench.checker.params.late_blocks;
    let judged = |deadline| work.bench.judge(Topic::Receipts, &work.receipt(deadline));
    assert!(matches!(judged(last - 1), Err(Refused::Unneeded(_))));
    let taken = judged(last);
    assert!(
        matches!(taken, Ok(Verified::Receipt(_))),
        "{:?}",
        taken.err()
    );
}
