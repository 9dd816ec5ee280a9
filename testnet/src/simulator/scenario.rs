//! A scenario: who takes part, how each behaves, and what goes wrong. Data only.

use assay_protocol::params::Params;

use super::clock::Millis;

/// How a transcoder works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TranscoderConduct {
    /// By the rules.
    Honest,
    /// One leaf in `one_in` at a worse quantizer, chosen by seed, segment and leaf.
    WorseChunks {
        /// Leaves per wrong leaf.
        one_in: u64,
    },
    /// One leaf in `one_in` states frames that are not the source's.
    WrongFrames {
        /// Leaves per wrong leaf.
        one_in: u64,
    },
    /// Signs two receipts for each assignment.
    TwoReceipts,
    /// Never answers.
    Silent,
    /// Receipts and never delivers.
    Withholding,
    /// Declines one segment in `one_in`.
    Refusing {
        /// Segments per refusal.
        one_in: u64,
    },
}

/// How a verifier works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifierConduct {
    /// By the rules.
    Honest,
    /// Has a seat and does nothing.
    Silent,
    /// Says that everything is right: a friend of the cheat.
    PassEverything,
    /// Accuses every leaf of every receipt, finds the same wrong bytes as its like, and goes to court alone.
    AccuseEverything,
    /// Finds what is wrong and accuses, but shows no verdict and submits nothing: holds the others up.
    AccuseAndSit,
    /// By the rules, but the receipt of one segment never reached its list of work.
    Misses {
        /// The segment.
        seq: u32,
    },
    /// By the rules, but keeps the receipts of one segment in `one_in` out of every list that it proposes or signs.
    Strikes {
        /// Segments per receipt that is kept out.
        one_in: u64,
    },
    /// Means well, on a machine that gets one recomputation in `one_in` wrong, each time otherwise.
    Flaky {
        /// Recomputations per error.
        one_in: u64,
    },
}

/// A transcoder.
#[derive(Clone, Debug)]
pub struct TranscoderPlan {
    /// Stake in whole LPT.
    pub stake: u64,
    /// Behaviour.
    pub conduct: TranscoderConduct,
}

/// A verifier.
#[derive(Clone, Debug)]
pub struct VerifierPlan {
    /// Stake in whole LPT.
    pub stake: u64,
    /// Behaviour.
    pub conduct: VerifierConduct,
    /// The transcoder whose operator runs it too, by index.
    pub twin: Option<usize>,
}

/// A node other than the broadcaster, by index in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A transcoder.
    Transcoder(usize),
    /// A verifier.
    Verifier(usize),
}

/// How messages travel.
#[derive(Clone, Debug)]
pub struct Link {
    /// Least and greatest delay.
    pub delay: (Millis, Millis),
    /// Messages lost per recipient, in millionths.
    pub loss_ppm: u64,
    /// Messages delivered twice, in millionths.
    pub duplicate_ppm: u64,
}

/// Some nodes cannot reach the others. Gossip crosses when it has healed, direct messages are lost.
#[derive(Clone, Debug)]
pub struct Partition {
    /// Begin.
    pub from: Millis,
    /// End.
    pub to: Millis,
    /// The nodes on the side without the broadcaster.
    pub side: Vec<Who>,
}

/// A node is down, and begins anew with nothing but its journal.
#[derive(Clone, Debug)]
pub struct Outage {
    /// The node.
    pub who: Who,
    /// Killed.
    pub from: Millis,
    /// Started again.
    pub to: Millis,
}

/// How long work takes.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Encoding a whole segment.
    pub transcode: (Millis, Millis),
    /// Recomputing one leaf, one at a time.
    pub recompute: (Millis, Millis),
    /// Journal and signature.
    pub seal: (Millis, Millis),
    /// From a block to a node's knowledge of it.
    pub chain: (Millis, Millis),
    /// From a node's knowledge of a block, by which it checks messages, to its core's; with `chain` less than a block.
    pub feed: (Millis, Millis),
}

/// Everything about a run but its seed.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The deployment's numbers.
    pub params: Params,
    /// Segments of the stream.
    pub segments: u32,
    /// Frames in each; chunks have 15.
    pub frames: u32,
    /// From one segment's source to the next one's.
    pub segment_every: Millis,
    /// Segments the broadcaster keeps unfinished.
    pub in_flight: usize,
    /// Transcoders.
    pub transcoders: Vec<TranscoderPlan>,
    /// Verifiers.
    pub verifiers: Vec<VerifierPlan>,
    /// Verifiers to whom the broadcaster does not serve the source, by index.
    pub withheld_from: Vec<usize>,
    /// The network.
    pub link: Link,
    /// Partitions.
    pub partitions: Vec<Partition>,
    /// Crashes.
    pub outages: Vec<Outage>,
    /// Durations.
    pub pace: Pace,
    /// Whether rounds are certified; what is said for it changes no other message, but when it arrives.
    pub certify: bool,
    /// A run is given up at this block.
    pub max_block: u64,
}

impl Default for Scenario {
    /// The demo: three transcoders, four verifiers, everybody honest, nothing goes wrong.
    fn default() -> Self {
        let transcoder = |stake| TranscoderPlan {
            stake,
            conduct: TranscoderConduct::Honest,
        };
        let verifier = |stake| VerifierPlan {
            stake,
            conduct: VerifierConduct::Honest,
            twin: None,
        };
        Self {
            params: Params::demo(),
            segments: 10,
            frames: 60,
            segment_every: 2_000,
            in_flight: 2,
            transcoders: [500, 300, 400].map(transcoder).to_vec(),
            verifiers: [100, 110, 120, 90].map(verifier).to_vec(),
            withheld_from: Vec::new(),
            link: Link {
                delay: (5, 250),
                loss_ppm: 0,
                duplicate_ppm: 0,
            },
            partitions: Vec::new(),
            outages: Vec::new(),
            pace: Pace {
                transcode: (400, 1_800),
                recompute: (60, 300),
                seal: (1, 15),
                chain: (1, 200),
                feed: (0, 40),
            },
            certify: false,
            max_block: 1_000,
        }
    }
}

/// Why a scenario cannot be run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// An index beyond the list.
    #[error("{what} names number {found} of {count}")]
    Index {
        /// Where.
        what: &'static str,
        /// The index.
        found: usize,
        /// Length of the list.
        count: usize,
    },
    /// A node would hear of a block after the next one.
    #[error("news of a block takes up to {found} ms; it must take less than a block, {limit} ms")]
    SlowChain {
        /// Greatest delay.
        found: Millis,
        /// Block time.
        limit: Millis,
    },
    /// A key cannot be derived.
    #[error(transparent)]
    Key(#[from] assay_protocol::sig::SignatureError),
}

impl Scenario {
    /// Checks indices and durations.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        let (transcoders, verifiers) = (self.transcoders.len(), self.verifiers.len());
        let index = |what, found, count| {
            if found < count {
                Ok(())
            } else {
                Err(ScenarioError::Index { what, found, count })
            }
        };
        let who = |what, who| match who {
            Who::Transcoder(i) => index(what, i, transcoders),
            Who::Verifier(i) => index(what, i, verifiers),
        };
        for verifier in &self.verifiers {
            verifier
                .twin
                .map_or(Ok(()), |twin| index("a twin", twin, transcoders))?;
        }
        for withheld in &self.withheld_from {
            index("a withheld source", *withheld, verifiers)?;
        }
        for node in self.partitions.iter().flat_map(|p| &p.side) {
            who("a partition", *node)?;
        }
        for outage in &self.outages {
            who("an outage", outage.who)?;
        }
        let found = self.pace.chain.1 + self.pace.feed.1;
        let limit = super::BLOCK_MILLIS;
        if found < limit {
            Ok(())
        } else {
            Err(ScenarioError::SlowChain { found, limit })
        }
    }
}
