//! A node: one core of any role in its shell, with its own view of the chain.

use assay_protocol::checked::Now;
use assay_protocol::params::Params;
use assay_protocol::{Address, B256};
use assay_roles::transcoder::Transcoder;
use assay_verifier::Verifier;

use super::broadcaster::BroadcasterNode;
use super::chain::{Chain, News};
use super::shell::{Action, Commons, Desk, Stimulus};
use super::transcoder::TranscoderNode;
use super::verifier::VerifierNode;

/// Segments a transcoder takes at a time: as many as the demo keeps in flight.
pub(super) const CAPACITY: usize = 2;

/// The core.
pub(super) enum Role {
    Broadcaster(Box<BroadcasterNode>),
    Transcoder(Box<TranscoderNode>),
    Verifier(Box<VerifierNode>),
}

/// The node.
pub(super) struct Node {
    pub role: Role,
    pub desk: Desk,
    /// Latest block it knows.
    pub head: u64,
    /// Counts starts; answers to an earlier life are lost.
    pub life: u32,
    pub online: bool,
}

impl Node {
    pub fn address(&self) -> Address {
        self.desk.me()
    }

    fn now(&self) -> Now {
        Now { block: self.head }
    }

    /// The core learns of the next block: first its round, as the chain feed orders them.
    pub fn on_block(&mut self, block: u64, chain: &Chain, commons: &mut Commons) -> Vec<Action> {
        let news = chain.news.get(&block).cloned().unwrap_or_default();
        let mut actions = Vec::new();
        if let Some(number) = news.round {
            actions.extend(self.on_round(number, chain, commons));
        }
        actions.extend(self.hear(Stimulus::Block(news), commons));
        actions
    }

    fn on_round(&mut self, number: u64, chain: &Chain, commons: &mut Commons) -> Vec<Action> {
        let (now, Some(round)) = (self.now(), chain.rounds.get(&number)) else {
            return Vec::new();
        };
        match &mut self.role {
            Role::Broadcaster(node) => {
                let outputs = node.round(round.transcoders.clone(), now);
                node.perform(outputs, now, &mut self.desk, commons)
            }
            Role::Verifier(node) => {
                let outputs = node.round(round, now);
                node.perform(outputs, now, &mut self.desk, commons)
            }
            Role::Transcoder(_) => Vec::new(),
        }
    }

    pub fn hear(&mut self, stimulus: Stimulus, commons: &mut Commons) -> Vec<Action> {
        let (now, desk) = (self.now(), &mut self.desk);
        match &mut self.role {
            Role::Broadcaster(node) => node.hear(stimulus, now, desk, commons),
            Role::Transcoder(node) => node.hear(stimulus, now, desk, commons),
            Role::Verifier(node) => node.hear(stimulus, now, desk, commons),
        }
    }

    /// Starts again with its journal alone, and reads the rounds and cases so far from the chain.
    pub fn restart(
        &mut self,
        params: &Params,
        encoder_id: B256,
        chain: &Chain,
        commons: &mut Commons,
    ) -> Vec<Action> {
        self.online = true;
        self.life += 1;
        self.head = chain.head;
        let (me, now) = (self.address(), self.now());
        match &mut self.role {
            Role::Broadcaster(_) => {}
            Role::Transcoder(node) => {
                node.core = Transcoder::new(me, params.clone(), encoder_id, CAPACITY);
            }
            Role::Verifier(node) => {
                let core = Verifier::new(me, params.clone(), now);
                let certifier = node
                    .certifier
                    .as_ref()
                    .map(|before| before.again(me, commons.domain, params.clone()));
                **node = VerifierNode::new(core, node.conduct, certifier);
            }
        }
        let mut actions = Vec::new();
        for number in chain.rounds.keys() {
            actions.extend(self.on_round(*number, chain, commons));
        }
        let opened = chain.news.values().flat_map(|n| n.opened.clone());
        let news = News {
            opened: opened.collect(),
            ..News::default()
        };
        actions.extend(self.hear(Stimulus::Block(news), commons));
        actions
    }
}
