//! The loop: the earliest event, the node it concerns, and what that node does to the others.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use assay_protocol::amount::Lpt;
use assay_protocol::checked::Now;
use assay_protocol::domain::Domain;
use assay_protocol::rules::Job;
use assay_protocol::{Address, U256, keccak256};
use assay_roles::broadcaster::Broadcaster;
use assay_roles::transcoder::Transcoder;
use assay_verifier::Verifier;

use super::BLOCK_MILLIS;
use super::broadcaster::BroadcasterNode;
use super::certifier::CertifierNode;
use super::chain::{Chain, PRICE, SEED_BLOCK};
use super::clock::{Clock, Millis};
use super::court::Submission;
use super::inbox::{Message, Refused, Rules};
use super::journal::Journal;
use super::ledger::Ledger;
use super::media::{Media, ladder};
use super::network::{Cut, Network, NodeId};
use super::node::{CAPACITY, Node, Role};
use super::random::Random;
use super::report::Report;
use super::scenario::{Scenario, ScenarioError, Who};
use super::seals::Keys;
use super::shell::{Action, Commons, Desk, Done, Stimulus};
use super::trace::Trace;
use super::transcoder::TranscoderNode;
use super::verifier::VerifierNode;

/// How often, and after how long, a message about an unknown block is looked at again.
const PATIENCE: (u32, Millis) = (20, 150);

enum Event {
    Block,
    /// A node's checks know a block.
    Head(NodeId, u64),
    /// Its core hears of it.
    News(NodeId, u32, u64),
    Deliver {
        from: Address,
        to: NodeId,
        message: Rc<Message>,
        number: u64,
        tries: u32,
    },
    Done(NodeId, u32, Done),
    Pool(Submission),
    Kill(NodeId),
    Start(NodeId),
}

/// A run.
pub(super) struct World<'a> {
    scenario: &'a Scenario,
    clock: Clock<Event>,
    chain: Chain,
    network: Network,
    rules: Rules,
    commons: Commons,
    nodes: Vec<Node>,
    pool: Vec<Submission>,
    ledger: Ledger,
    trace: Trace,
    sent: u64,
}

impl<'a> World<'a> {
    pub fn new(scenario: &'a Scenario, seed: u64) -> Result<Self, ScenarioError> {
        let params = &scenario.params;
        let domain = Domain::new(31_337, Address::repeat_byte(0xc0));
        let encoder_id = keccak256(b"ideal pipeline");
        let keys = |role: &str, index: usize| {
            let name = [role.as_bytes(), &seed.to_be_bytes(), &index.to_be_bytes()];
            Keys::derive(&name.concat())
        };
        let broadcaster = keys("broadcaster", 0)?;
        let job = Job {
            id: U256::from(1),
            broadcaster: broadcaster.address(),
            profiles: ladder(),
            max_price: U256::from(PRICE),
            seed: keccak256(seed.to_be_bytes()),
            seed_block: SEED_BLOCK,
        };
        let now = Now::default();
        let core = Broadcaster::new(
            params.clone(),
            job.clone(),
            encoder_id,
            scenario.in_flight,
            0,
        );
        let node = BroadcasterNode::new(core, scenario.segments);
        let mut members = vec![(broadcaster, Role::Broadcaster(Box::new(node)))];
        let mut stakes = [BTreeMap::new(), BTreeMap::new()];
        let mut transcoders = Vec::new();
        for (index, plan) in scenario.transcoders.iter().enumerate() {
            let keys = keys("transcoder", index)?;
            transcoders.push(keys.address());
            stakes[0].insert(keys.address(), Lpt::whole(plan.stake));
            let core = Transcoder::new(keys.address(), params.clone(), encoder_id, CAPACITY);
            let conduct = plan.conduct;
            let node = Box::new(TranscoderNode { core, conduct });
            members.push((keys, Role::Transcoder(node)));
        }
        let mut verifiers = Vec::new();
        for (index, plan) in scenario.verifiers.iter().enumerate() {
            let keys = match plan.twin {
                Some(twin) => keys("transcoder", twin)?,
                None => keys("verifier", index)?,
            };
            verifiers.push(keys.address());
            stakes[1].insert(keys.address(), Lpt::whole(plan.stake));
            let core = Verifier::new(keys.address(), params.clone(), now);
            let certifier = scenario
                .certify
                .then(|| CertifierNode::new(keys.address(), domain, params.clone(), plan.conduct));
            let node = Box::new(VerifierNode::new(core, plan.conduct, certifier));
            members.push((keys, Role::Verifier(node)));
        }
        let node_of = |who: Who| match who {
            Who::Transcoder(index) => 1 + index,
            Who::Verifier(index) => 1 + scenario.transcoders.len() + index,
        };
        let cuts = scenario.partitions.iter().map(|p| Cut {
            from: p.from,
            to: p.to,
            side: p.side.iter().copied().map(node_of).collect(),
        });
        let network = Network::new(scenario.link.clone(), cuts.collect(), Random::new(seed, 1));
        let mut clock = Clock::new();
        clock.at(BLOCK_MILLIS, Event::Block);
        for outage in &scenario.outages {
            clock.at(outage.from, Event::Kill(node_of(outage.who)));
            clock.at(outage.to, Event::Start(node_of(outage.who)));
        }
        let withheld: BTreeSet<_> = scenario
            .withheld_from
            .iter()
            .filter_map(|i| verifiers.get(*i).copied())
            .collect();
        let [transcoder_stakes, verifier_stakes] = stakes;
        let nodes = members.into_iter().map(|(keys, role)| Node {
            role,
            desk: Desk {
                keys,
                journal: Journal::default(),
            },
            head: 0,
            life: 0,
            online: true,
        });
        Ok(Self {
            chain: Chain::new(params.clone(), domain, transcoder_stakes, verifier_stakes),
            ledger: Ledger::new(params.clone(), transcoders, verifiers),
            rules: Rules {
                domain,
                params: params.clone(),
                job,
                encoder_id,
            },
            commons: Commons {
                seed,
                domain,
                media: Media::new(seed, scenario.frames),
                pace: scenario.pace.clone(),
                random: Random::new(seed, 2),
                withheld,
                servers: BTreeMap::new(),
            },
            nodes: nodes.collect(),
            scenario,
            clock,
            network,
            pool: Vec::new(),
            trace: Trace::default(),
            sent: 0,
        })
    }

    /// Runs to the end: every segment done, every case executed, every report's time past; or the last block.
    pub fn run(mut self) -> Report {
        let params = &self.scenario.params;
        let mut tail = params.response_blocks + params.evidence_blocks + 3 * params.epoch_blocks;
        if self.scenario.certify {
            tail += params.round_blocks + params.certify_blocks;
        }
        let mut settled = None;
        let mut terminated = false;
        while let Some(event) = self.clock.next() {
            self.handle(event);
            let head = self.chain.head;
            let done = self.ledger.complete(self.scenario.segments);
            if done && settled.is_none() {
                settled = Some(head);
            }
            terminated = settled.is_some_and(|at| head > at + tail) && !self.chain.case_open();
            if terminated || head > self.scenario.max_block {
                break;
            }
        }
        let report = self.ledger.report();
        report.terminated = terminated;
        report.trace_hash = self.trace.hash();
        self.ledger.close(&self.chain)
    }

    fn handle(&mut self, event: Event) {
        match event {
            Event::Block => self.on_block(),
            Event::Pool(submission) => self.pool.push(submission),
            Event::Head(id, block) => {
                self.trace
                    .fold(self.clock.now(), id, "head", &block.to_be_bytes());
                let node = &mut self.nodes[id];
                if node.online && block > node.head {
                    node.head = block;
                    let delay = self.commons.random.between(self.scenario.pace.feed);
                    let news = Event::News(id, node.life, block);
                    self.clock.after(delay, news);
                }
            }
            Event::News(id, life, block) => {
                let node = &mut self.nodes[id];
                if node.online && node.life == life {
                    let actions = node.on_block(block, &self.chain, &mut self.commons);
                    self.perform(id, actions);
                }
            }
            Event::Done(id, life, done) => {
                let node = &mut self.nodes[id];
                if node.online && node.life == life {
                    let actions = node.hear(Stimulus::Done(done), &mut self.commons);
                    self.perform(id, actions);
                }
            }
            Event::Deliver {
                from,
                to,
                message,
                number,
                tries,
            } => self.deliver(from, to, message, number, tries),
            Event::Kill(id) => self.nodes[id].online = false,
            Event::Start(id) => {
                let (params, encoder) = (&self.scenario.params, self.rules.encoder_id);
                let node = &mut self.nodes[id];
                let actions = node.restart(params, encoder, &self.chain, &mut self.commons);
                self.perform(id, actions);
            }
        }
    }

    fn on_block(&mut self) {
        let submissions = std::mem::take(&mut self.pool);
        self.chain.advance(&submissions);
        let block = self.chain.head;
        for id in 0..self.nodes.len() {
            let delay = self.commons.random.between(self.scenario.pace.chain);
            self.clock.after(delay, Event::Head(id, block));
        }
        self.clock.after(BLOCK_MILLIS, Event::Block);
    }

    fn deliver(
        &mut self,
        from: Address,
        to: NodeId,
        message: Rc<Message>,
        number: u64,
        tries: u32,
    ) {
        let node = &mut self.nodes[to];
        if !node.online {
            return;
        }
        let wanted = matches!(
            (&node.role, &*message),
            (
                Role::Broadcaster(_),
                Message::Receipt(_) | Message::Refusal(..)
            ) | (Role::Broadcaster(_), Message::Output(_))
                | (Role::Transcoder(_), Message::Assignment(_))
                | (
                    Role::Verifier(_),
                    Message::Receipt(_) | Message::Accusation(_) | Message::Verdict(_)
                )
                | (Role::Verifier(_), Message::Report(_))
                | (
                    Role::Verifier(_),
                    Message::WorkProposal(_) | Message::WorkObjection(_) | Message::WorkVote(_)
                )
        ) || matches!(
            (&node.role, &*message),
            (Role::Verifier(verifier), Message::Assignment(_)) if verifier.certifier.is_some()
        );
        if !wanted {
            return;
        }
        match self
            .rules
            .check(from, &message, &self.chain.seen_at(node.head))
        {
            Ok(mail) => {
                self.trace
                    .fold(self.clock.now(), to, "mail", &number.to_be_bytes());
                let actions = node.hear(Stimulus::Mail(mail), &mut self.commons);
                self.perform(to, actions);
            }
            Err(Refused::Early) if tries < PATIENCE.0 => {
                let event = Event::Deliver {
                    from,
                    to,
                    message,
                    number,
                    tries: tries + 1,
                };
                self.clock.after(PATIENCE.1, event);
            }
            Err(Refused::Wrong(reason)) => self.ledger.refuse(reason),
            Err(Refused::Early | Refused::Unneeded) => {}
        }
    }

    fn perform(&mut self, id: NodeId, actions: Vec<Action>) {
        let (me, now) = (self.nodes[id].address(), self.clock.now());
        for action in actions {
            self.trace
                .fold(now, id, "does", format!("{action:?}").as_bytes());
            match action {
                Action::Gossip(message) => {
                    let everyone = 0..self.nodes.len();
                    let others = everyone.filter(|to| *to != id).collect();
                    self.send(id, others, message, true);
                }
                Action::Send(to, message) => {
                    let fits = |role: &Role| match message {
                        Message::Verdict(_) => matches!(role, Role::Verifier(_)),
                        Message::Assignment(_) => matches!(role, Role::Transcoder(_)),
                        _ => matches!(role, Role::Broadcaster(_)),
                    };
                    let to = self
                        .nodes
                        .iter()
                        .position(|n| n.address() == to && fits(&n.role));
                    self.send(id, to.into_iter().collect(), message, false);
                }
                Action::After(delay, done) => {
                    let life = self.nodes[id].life;
                    self.clock.after(delay, Event::Done(id, life, done));
                }
                Action::NextSegment => {
                    let number = self.ledger.ask() as u64;
                    let at = number * self.scenario.segment_every;
                    let event = Event::Done(id, self.nodes[id].life, Done::Segment);
                    self.clock.at(at, event);
                }
                Action::Submit(submission) => {
                    let delay = self.commons.random.between(self.scenario.pace.chain);
                    self.clock.after(delay, Event::Pool(submission));
                }
                Action::Fact(fact) => self.ledger.take(fact, me, now),
            }
        }
    }

    fn send(&mut self, id: NodeId, to: Vec<NodeId>, message: Message, gossip: bool) {
        let (from, now) = (self.nodes[id].address(), self.clock.now());
        let message = Rc::new(message);
        self.sent += 1;
        for to in to {
            for at in self.network.arrivals(now, id, to, gossip) {
                let event = Event::Deliver {
                    from,
                    to,
                    message: message.clone(),
                    number: self.sent,
                    tries: 0,
                };
                self.clock.at(at, event);
            }
        }
    }
}
