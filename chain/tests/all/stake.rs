//! What is bonded is read back, and leaves only after its locks.

use crate::network;

use assay_chain::call::{OperatorCall, StakeCall, TokenCall};
use assay_chain::events::{Log, StakeLog};
use assay_chain::operators::Cuts;
use assay_chain::views::Role;
use assay_protocol::amount::Lpt;
use assay_protocol::{B256, Bytes, U256};
use network::scene::Scene;
use network::{Network, profiles};

#[tokio::test]
async fn what_was_bonded_is_read_back() {
    let scene = Scene::set().await;
    let client = &scene.broadcaster.client;
    let params = &scene.network.deployment.params;
    client.check_params(params).await.unwrap();
    let mut other = params.clone();
    other.repeat_rounds += 1;
    let error = client.check_params(&other).await.unwrap_err().to_string();
    assert!(
        error.contains("repeatRounds is 30") && error.contains("expects 31"),
        "{error}"
    );

    let view = client.round().await.unwrap();
    assert_eq!(
        (view.round, view.openable_at),
        (scene.round, view.opened_at + params.round_blocks)
    );
    assert_eq!(client.opened_at(scene.round).await.unwrap(), view.opened_at);

    let transcoders = client
        .snapshot(Role::Transcoder, scene.round)
        .await
        .unwrap();
    assert_eq!(transcoders.candidates.len(), 1);
    let electee = transcoders.candidates[0];
    assert_eq!(electee.operator, scene.transcoder.key.address());
    assert_eq!(
        (electee.weight, electee.price),
        (Lpt::whole(400).0, U256::from(7))
    );

    let verifiers = client.verifiers(scene.round).await.unwrap();
    assert_eq!(verifiers.seats.len(), 4);
    for (seat, (account, bls)) in verifiers.seats.iter().zip(&scene.verifiers) {
        assert_eq!(
            (seat.operator, seat.key),
            (account.key.address(), bls.public())
        );
        let pool = client.pool(Role::Verifier, seat.operator).await.unwrap();
        assert_eq!((pool.own.0, pool.weight.0), (seat.weight, seat.weight));
        let standing = client
            .standing(Role::Verifier, seat.operator)
            .await
            .unwrap();
        assert!(standing.active && !standing.jailed && !pool.is_frozen());
    }
    assert_eq!(
        client
            .snapshot(Role::Verifier, scene.round)
            .await
            .unwrap()
            .candidates
            .len(),
        4
    );

    let job = client.job(scene.job).await.unwrap().unwrap();
    assert_eq!(job.broadcaster, scene.broadcaster.key.address());
    assert_eq!(job.profiles, Bytes::from(profiles().to_bytes()));
    assert_eq!(
        (job.profiles_hash, job.max_price_per_pixel),
        (profiles().hash(), U256::from(9))
    );
    assert_eq!(job.seed, Some(B256::repeat_byte(0x5e)));
    assert_eq!(client.job(U256::from(2)).await.unwrap(), None);
    assert_eq!(client.job_count().await.unwrap(), U256::from(1));

    let pool = client
        .pool(Role::Transcoder, electee.operator)
        .await
        .unwrap();
    assert_eq!(
        (pool.own, pool.delegated),
        (Lpt::whole(300), Lpt::whole(100))
    );
    let cuts = client.cuts_at(Role::Transcoder, electee.operator, scene.round);
    let expected = Cuts {
        reward_cut_bps: 1_000,
        fee_share_bps: 5_000,
    };
    assert_eq!(cuts.await.unwrap(), expected);
    assert_eq!(client.price_of(electee.operator).await.unwrap(), 7);
    assert_eq!(scene.stake(&scene.delegator).await, Lpt::whole(100));
    assert!(client.snapshot(Role::Transcoder, 99).await.is_err());
}

#[tokio::test]
async fn stake_leaves_after_its_locks() {
    let network = Network::start().await;
    let verifier = network.account(50, 100).await;
    let small = verifier
        .refused(StakeCall::Bond {
            role: Role::Verifier,
            amount: Lpt::whole(1),
        })
        .await;
    assert!(small.contains("bond too small"), "{small}");
    verifier.bond(Role::Verifier, 100).await;
    let operator = verifier.key.address();
    let amount = Lpt::whole(40);
    let unbond = StakeCall::Unbond {
        role: Role::Verifier,
        operator,
        amount,
    };
    let mined = verifier.queue.run("unbond", unbond).await.unwrap();
    let events = verifier.client.events_of(mined.tx).await.unwrap();
    let lock = events.iter().find_map(|e| {
        if let Log::Stake(StakeLog::Unbonded { lock, .. }) = e.what {
            Some(lock)
        } else {
            None
        }
    });
    let lock = lock.unwrap();
    let view = verifier.client.lock(lock).await.unwrap();
    assert_eq!(
        (view.holder, view.amount, view.role),
        (operator, amount, Role::Verifier)
    );
    let early = verifier.refused(StakeCall::Withdraw { lock }).await;
    assert!(early.contains("too early"), "{early}");
    for _ in 0..4 {
        network.open_round().await;
    }
    let params = &network.deployment.params;
    network
        .anvil
        .mine(params.response_blocks + params.evidence_blocks + params.case_blocks)
        .await
        .unwrap();
    verifier.run("withdraw", StakeCall::Withdraw { lock }).await;
    assert_eq!(verifier.client.lpt_balance(operator).await.unwrap(), amount);
    let gone = verifier.refused(StakeCall::Withdraw { lock }).await;
    assert!(gone.contains("unknown lock"), "{gone}");
}

#[tokio::test]
async fn an_owner_lets_a_hot_key_sign_and_takes_it_back() {
    let network = Network::start().await;
    let owner = network.account(60, 100).await;
    let hot = network.account(61, 0).await;
    let (me, key) = (owner.key.address(), hot.key.address());
    let client = &owner.client;
    let consent = |digest| hot.key.sign(digest);
    let digest = client.consent_digest(me, key).await.unwrap();
    let stolen = owner
        .refused(OperatorCall::Authorise {
            signer: key,
            consent: owner.key.sign(digest),
        })
        .await;
    assert!(stolen.contains("consent"), "{stolen}");
    owner.bond(Role::Transcoder, 50).await;
    let authorise = OperatorCall::Authorise {
        signer: key,
        consent: consent(digest),
    };
    owner.run("authorise", authorise).await;
    assert_eq!(client.claimed_by(key).await.unwrap(), Some(me));
    assert_eq!(client.signer_at(me, 0).await.unwrap(), me, "not yet");
    let round = network.open_round().await;
    assert_eq!(client.signer_at(me, round).await.unwrap(), key);
    assert_eq!(client.operator_of(key).await.unwrap(), me);
    // It sets prices, and moves no stake.
    let price = OperatorCall::SetPrice {
        operator: me,
        price_per_pixel: 9,
    };
    hot.run("price", price).await;
    assert_eq!(client.price_of(me).await.unwrap(), 9);
    let unbond = StakeCall::Unbond {
        role: Role::Transcoder,
        operator: me,
        amount: Lpt::whole(1),
    };
    hot.refused(unbond).await;
    owner.run("revoke", OperatorCall::Revoke).await;
    let next = network.open_round().await;
    assert_eq!(client.signer_at(me, next).await.unwrap(), me);
    assert_eq!(client.signer_at(me, round).await.unwrap(), key, "evidence");
}

#[tokio::test]
async fn calls_are_tried_one_after_the_other_and_not_sent() {
    let network = Network::start().await;
    let account = network.account(62, 40).await;
    let spender = network.deployment.contracts.bonding_manager;
    let (role, amount) = (Role::Verifier, Lpt::whole(30));
    let calls = [
        TokenCall::Approve { spender, amount }.into(),
        StakeCall::Bond { role, amount }.into(),
        // Only once the others have happened is this one too much.
        StakeCall::Bond { role, amount }.into(),
    ];
    let nonce = account.client.transaction_count().await.unwrap();
    let trials = account.client.simulate(&calls).await.unwrap();
    assert_eq!(trials.len(), 3);
    assert!(
        trials[..2].iter().all(|trial| trial.revert.is_none()),
        "{trials:?}"
    );
    assert!(trials[2].revert.is_some(), "{trials:?}");
    let bonded = |log: &Log| matches!(log, Log::Stake(StakeLog::Bonded { amount: lpt, .. }) if *lpt == amount);
    assert!(trials[1].effects.iter().any(bonded), "{trials:?}");
    assert!(trials[1].gas.unwrap() > 50_000);
    assert_eq!(account.client.transaction_count().await.unwrap(), nonce);
    let pool = account
        .client
        .pool(role, account.key.address())
        .await
        .unwrap();
    assert_eq!(pool.own, Lpt::default());
}

#[tokio::test]
async fn holdings_are_found_wherever_they_are() {
    let network = Network::start().await;
    let (first, second) = (
        network.account(70, 100).await,
        network.account(71, 100).await,
    );
    for operator in [&first, &second] {
        operator.bond(Role::Transcoder, 50).await;
    }
    let delegator = network.account(72, 30).await;
    let (from, to) = (first.key.address(), second.key.address());
    let role = Role::Transcoder;
    let delegate = StakeCall::Delegate {
        role,
        operator: from,
        amount: Lpt::whole(20),
    };
    delegator.run("delegate", delegate).await;
    network.open_round().await;
    let moved = StakeCall::Move {
        role,
        from,
        to,
        amount: Lpt::whole(5),
    };
    delegator.run("move", moved).await;
    let unbond = StakeCall::Unbond {
        role,
        operator: from,
        amount: Lpt::whole(3),
    };
    delegator.run("unbond", unbond).await;
    let me = delegator.key.address();
    let holdings = delegator.client.holdings(me).await.unwrap();
    assert_eq!(holdings.liquid, Lpt::whole(10));
    let [position] = holdings.positions.as_slice() else {
        panic!("{holdings:?}")
    };
    assert_eq!((position.operator, position.stake), (from, Lpt::whole(12)));
    let locks: Vec<_> = holdings
        .locks
        .iter()
        .map(|open| (open.lock.destination, open.lock.amount, open.ripe))
        .collect();
    assert_eq!(
        locks,
        [
            (Some(to), Lpt::whole(5), false),
            (None, Lpt::whole(3), false)
        ]
    );
    let back = holdings.locks[1].id;
    delegator
        .run("rebond", StakeCall::Rebond { lock: back })
        .await;
    let params = network.deployment.params.clone();
    for _ in 0..params.unbonding_rounds + 5 {
        network.open_round().await;
    }
    let holdings = delegator.client.holdings(me).await.unwrap();
    assert_eq!(holdings.positions[0].stake, Lpt::whole(15));
    let [open] = holdings.locks.as_slice() else {
        panic!("{holdings:?}")
    };
    assert!(open.ripe, "{open:?}");
    first
        .run("arrive", StakeCall::Arrive { lock: open.id })
        .await;
    let holdings = delegator.client.holdings(me).await.unwrap();
    let stakes: Vec<_> = holdings.positions.iter().map(|p| p.stake).collect();
    assert_eq!(stakes.iter().map(|s| s.0).sum::<U256>(), Lpt::whole(20).0);
    assert!(holdings.locks.is_empty());
}
