//! What surrounds every core: keys, journal, and the effects that its outputs ask for.

use std::collections::{BTreeMap, BTreeSet};

use assay_protocol::assignment::RefusalReason;
use assay_protocol::domain::Domain;
use assay_protocol::draft::{Draft, Sealed};
use assay_protocol::{Address, B256};
use assay_roles::transcoder::Encoded;
use assay_verifier::Recomputation;

use super::clock::Millis;
use super::court::Submission;
use super::inbox::{Mail, Message};
use super::journal::Journal;
use super::media::Media;
use super::random::Random;
use super::report::Fact;
use super::scenario::Pace;
use super::seals::Keys;

/// Work that a node has ordered and that is done now.
#[derive(Clone, Debug)]
pub(super) enum Done {
    Sealed(Box<Sealed>),
    /// The next segment's source exists.
    Segment,
    Transcoded {
        assignment: B256,
        plant: B256,
        result: Result<Encoded, RefusalReason>,
    },
    Recomputed {
        receipt: B256,
        leaves: Vec<u32>,
        result: Result<Recomputation, RefusalReason>,
    },
    LevelsTried(assay_protocol::verdict::LeafId),
}

/// What a node hears.
pub(super) enum Stimulus {
    /// Everything one block brought, for a node whose head it now is.
    Block(super::chain::News),
    Mail(Mail),
    Done(Done),
}

/// What a node does to the world.
#[derive(Debug)]
pub(super) enum Action {
    Gossip(Message),
    Send(Address, Message),
    After(Millis, Done),
    /// When the next source exists.
    NextSegment,
    Submit(Submission),
    Fact(Fact),
}

/// What nodes share: the pipeline, and who serves which source.
pub(super) struct Commons {
    pub seed: u64,
    pub domain: Domain,
    pub media: Media,
    pub pace: Pace,
    pub random: Random,
    /// Accounts to which the broadcaster serves nothing.
    pub withheld: BTreeSet<Address>,
    /// Who serves a source besides the broadcaster.
    pub servers: BTreeMap<B256, BTreeSet<Address>>,
}

impl Commons {
    /// Whether `who` can fetch a source: from the broadcaster, or from a verifier that has it.
    pub fn fetchable(&self, source: &B256, who: Address) -> bool {
        !self.withheld.contains(&who) || self.servers.get(source).is_some_and(|s| !s.is_empty())
    }
}

/// Keys and journal.
pub(super) struct Desk {
    pub keys: Keys,
    pub journal: Journal,
}

impl Desk {
    pub fn me(&self) -> Address {
        self.keys.address()
    }

    /// Journals and signs; what the journal refuses is a fact for the report.
    pub fn sign(&mut self, draft: Draft, commons: &mut Commons) -> Action {
        match self.journal.seal(draft, &self.keys, &commons.domain) {
            Some(sealed) => Action::After(
                commons.random.between(commons.pace.seal),
                Done::Sealed(Box::new(sealed)),
            ),
            None => Action::Fact(Fact::SlotTaken),
        }
    }
}
