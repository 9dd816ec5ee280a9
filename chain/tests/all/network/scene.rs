//! A network in round 1, and the evidence that its actors can make.

use assay_chain::call::{JobCall, OperatorCall, StakeCall, TokenCall};
use assay_chain::events::{JobLog, Log};
use assay_chain::fault::{CaseStatus, SignedWork};
use assay_chain::views::Role;
use assay_protocol::amount::Lpt;
use assay_protocol::assignment::Assignment;
use assay_protocol::bls::BlsKey;
use assay_protocol::domain::Domain;
use assay_protocol::fraud_proof::FraudProof;
use assay_protocol::merkle::{Tree, leaf_hash};
use assay_protocol::params::Params;
use assay_protocol::receipt::{Leaf, Receipt, output_tree};
use assay_protocol::{Address, B256, Bytes, U256};

use super::{Account, Network, profiles};

const FRAMES: u32 = 60;

/// A network in round 1 with one broadcaster, one transcoder (own 300, delegated 100) and four verifiers.
pub struct Scene {
    pub network: Network,
    pub broadcaster: Account,
    pub transcoder: Account,
    pub delegator: Account,
    pub verifiers: Vec<(Account, BlsKey)>,
    pub job: U256,
    pub round: u64,
}

impl Scene {
    pub async fn set() -> Self {
        Self::set_with(Params::demo()).await
    }

    pub async fn set_with(params: Params) -> Self {
        let network = Network::start_with(params).await;
        let broadcaster = network.account(10, 0).await;
        let transcoder = network.account(20, 300).await;
        let delegator = network.account(30, 100).await;
        let bond = transcoder.bond(Role::Transcoder, 300).await;
        let operator = transcoder.key.address();
        let price = OperatorCall::SetPrice {
            operator,
            price_per_pixel: 7,
        };
        transcoder.run("price", price).await;
        let cuts = OperatorCall::SetCuts {
            role: Role::Transcoder,
            reward_cut_bps: 1_000,
            fee_share_bps: 5_000,
        };
        transcoder.run("cuts", cuts).await;
        let amount = Lpt::whole(100);
        let delegate = delegator
            .run(
                "delegate",
                StakeCall::Delegate {
                    role: Role::Transcoder,
                    operator,
                    amount,
                },
            )
            .await;
        println!("gas: first bond {bond}, delegate {delegate}");
        let mut verifiers = Vec::new();
        for number in 40..44 {
            let verifier = network.account(number, 250).await;
            verifier.bond(Role::Verifier, 100 + u64::from(number)).await;
            let bls = verifier.register().await;
            verifiers.push((verifier, bls));
        }
        let profiles = Bytes::from(profiles().to_bytes());
        let create = JobCall::Create {
            profiles,
            max_price_per_pixel: U256::from(9),
        };
        let mined = broadcaster.queue.run("job", create).await.unwrap();
        let events = broadcaster.client.events_of(mined.tx).await.unwrap();
        let Some(Log::Jobs(JobLog::JobCreated { job, .. })) =
            events.first().map(|e| e.what.clone())
        else {
            panic!("no JobCreated in {events:?}")
        };
        let round = network.open_round().await;
        // Positions in the snapshot follow addresses.
        verifiers.sort_by_key(|(account, _)| account.key.address());
        Self {
            network,
            broadcaster,
            transcoder,
            delegator,
            verifiers,
            job,
            round,
        }
    }

    pub fn domain(&self) -> Domain {
        self.network.deployment.domain()
    }

    pub async fn work(&self, seq: u32) -> (SignedWork, Vec<Leaf>, Tree) {
        let head = self.broadcaster.client.head().await.unwrap();
        let profiles = profiles();
        let chunks = profiles.chunks(FRAMES);
        let roots: Vec<B256> = (0..chunks)
            .map(|c| B256::repeat_byte(c as u8 + 1))
            .collect();
        let frames = Tree::new(
            roots
                .iter()
                .map(|root| leaf_hash(root.as_slice()))
                .collect(),
        );
        let assignment = Assignment {
            jobId: self.job,
            seq,
            round: self.round,
            transcoder: self.transcoder.key.address(),
            sourceHash: B256::repeat_byte(9),
            sourceLen: 1_000,
            framesRoot: frames.root(),
            frameCount: FRAMES,
            profilesHash: profiles.hash(),
            encoderId: B256::repeat_byte(8),
            leafCount: profiles.leaf_count(FRAMES).unwrap(),
            pricePerPixel: U256::from(7),
            deadlineBlock: head.number + self.network.deployment.params.response_blocks,
            ..Assignment::default()
        };
        let leaves: Vec<Leaf> = (0..assignment.leafCount)
            .map(|i| Leaf {
                rendition: (i / chunks) as u8,
                chunk: i % chunks,
                frames_root: roots[(i % chunks) as usize],
                output_len: 100 + i,
                output_hash: B256::repeat_byte(0xa0 + i as u8),
            })
            .collect();
        (self.sign(assignment, &leaves), leaves, frames)
    }

    pub fn sign(&self, assignment: Assignment, leaves: &[Leaf]) -> SignedWork {
        let domain = self.domain();
        let assignment_hash = domain.digest(&assignment);
        let receipt = Receipt {
            assignmentHash: assignment_hash,
            outputRoot: output_tree(leaves).root(),
            outputBytes: leaves.iter().map(|l| u64::from(l.output_len)).sum(),
            plant: B256::repeat_byte(0x77),
        };
        SignedWork {
            assignment_signature: self.broadcaster.key.sign(assignment_hash),
            receipt_signature: self.transcoder.key.sign(domain.digest(&receipt)),
            assignment,
            receipt,
        }
    }

    /// A proof that leaf `index` is wrong, signed by the verifiers at `positions`.
    pub async fn proof(&self, seq: u32, index: u32, positions: &[usize]) -> FraudProof {
        let (work, leaves, _) = self.work(seq).await;
        self.prove(&work, &leaves, index, positions)
    }

    pub async fn stake(&self, holder: &Account) -> Lpt {
        let operator = self.transcoder.key.address();
        let client = &self.transcoder.client;
        client
            .stake_of(Role::Transcoder, operator, holder.key.address())
            .await
            .unwrap()
    }

    /// Gives the account LPT that the contract may take.
    pub async fn fund(&self, account: &Account, spender: Address, lpt: u64) {
        let amount = Lpt::whole(lpt);
        let to = account.key.address();
        let rich = &self.verifiers[0].0;
        let transfer = TokenCall::Transfer { to, amount };
        rich.run(&format!("fund {to} for {spender}"), transfer)
            .await;
        let approve = TokenCall::Approve { spender, amount };
        account.run(&format!("approve {spender}"), approve).await;
    }

    pub async fn newest_case(&self, operator: Address) -> B256 {
        let ids = self.transcoder.client.case_ids(Some(operator)).await;
        *ids.unwrap().last().unwrap()
    }

    pub async fn status(&self, case: B256) -> CaseStatus {
        let view = self.transcoder.client.case(case).await.unwrap();
        view.unwrap().status
    }

    /// Opens rounds until the resolver's time for what is contested now is over.
    pub async fn resolver_is_silent(&self) {
        for _ in 0..self.network.deployment.params.resolver_rounds {
            self.network.open_round().await;
        }
    }
}
