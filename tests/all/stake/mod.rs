//! The commands about stake, as a person types them, on a real chain. Needs anvil.

mod desk;
mod enlisted;
mod every;
mod interrupted;
mod kept;
mod replaced;

use assay_protocol::amount::Lpt;
use desk::{Desk, refused, said};

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_bonds_with_a_key_file_and_sees_what_it_will_do_first() {
    let desk = Desk::open().await;
    let owner = desk.account("owner", 100).await;
    let bond = |more: &[&str]| {
        let words = ["stake", "bond", "50", "LPT", "--role", "transcoder"];
        owner.types(&[&words, more].concat())
    };
    let bare = owner.types(&["stake", "bond", "50", "--role", "transcoder"]);
    let why = refused(&bare, 2);
    assert!(why.contains("say the unit"), "{why}");
    let much = owner.types(&["stake", "bond", "500 LPT", "--role", "transcoder"]);
    assert!(refused(&much, 2).contains("has 100 LPT at hand"));
    let little = owner.types(&["stake", "bond", "1 LPT", "--role", "transcoder"]);
    let why = refused(&little, 1);
    assert!(
        why.contains("nothing was sent") && !why.contains("0x08c379"),
        "{why}"
    );

    let nonce = desk.nonce(&owner).await;
    let dry = said(&bond(&["--dry-run"]));
    assert!(dry.contains("gas") && dry.contains("bonds 50 LPT"), "{dry}");
    assert_eq!(desk.nonce(&owner).await, nonce, "a dry run sends nothing");

    let done = said(&bond(&[]));
    assert!(
        done.contains("bonds 50 LPT") && done.contains("block"),
        "{done}"
    );
    let more = said(&bond(&["--json"]));
    let json: serde_json::Value = serde_json::from_str(&more).unwrap();
    assert_eq!(json["dry_run"], false);
    assert_eq!(json["account"], owner.address.to_string());
    let steps = json["steps"].as_array().unwrap();
    assert!(
        steps
            .iter()
            .all(|step| step["tx"].is_string() && step["gas"].is_u64())
    );
    assert_eq!(desk.own_bond(&owner).await, Lpt::whole(100));
    let status = said(&desk.looks(&["stake", "status", &owner.address.to_string()]));
    assert!(
        status.contains("own bond as transcoder: 100 LPT"),
        "{status}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_key_is_authorised_and_revoked() {
    let desk = Desk::open().await;
    let owner = desk.account("owner", 100).await;
    let folder = desk.path("node-keys");
    let made = said(&desk.assay(&["init", &folder]));
    let signer = made.split_whitespace().nth(1).unwrap().to_owned();
    let who = owner.address.to_string();

    // The hot key consents on one machine, the owner authorises on another.
    let consent = said(&desk.looks(&["operator", "consent", &who, "--key", &folder, "--json"]));
    let consent: serde_json::Value = serde_json::from_str(&consent).unwrap();
    assert_eq!(consent["signer"], signer);
    let consent = consent["consent"].as_str().unwrap();
    let forged = format!("0x{}", "11".repeat(65));
    let authorise =
        |consent: &str| owner.types(&["operator", "authorise", &signer, "--consent", consent]);
    assert!(refused(&authorise(&forged), 1).contains("nothing was sent"));
    let done = said(&authorise(consent));
    assert!(
        done.contains(&format!("{signer} signs for {who} from round 1 on")),
        "{done}"
    );
    let show = || said(&desk.looks(&["operator", "show", &who]));
    assert!(
        show().contains("itself") && show().contains("from round 1 on"),
        "{}",
        show()
    );
    desk.rounds(1).await;
    assert!(
        show().contains(&signer) && !show().contains("itself"),
        "{}",
        show()
    );

    // What the signer would set would be its own.
    let cuts = ["--reward-cut", "10%", "--fee-share", "25%"];
    let by_signer = [
        &["transcoder", "set-cuts", "--yes", "--key", &folder],
        &cuts[..],
    ]
    .concat();
    let told = refused(&desk.looks(&by_signer), 2);
    assert!(told.contains(&format!("signs for {who}")), "{told}");

    said(&owner.types(&["operator", "revoke"]));
    desk.rounds(1).await;
    assert!(show().contains("itself"), "{}", show());
    // Once more with both key files at hand; an old consent would not do.
    assert!(refused(&authorise(consent), 1).contains("nothing was sent"));
    said(&owner.types(&["operator", "authorise", "--signer-key", &folder]));
    desk.rounds(1).await;
    assert!(show().contains(&signer));
    // A fourth change must wait until evidence looks back past the first.
    let revoke = || owner.types(&["operator", "revoke"]);
    assert!(refused(&revoke(), 1).contains("three times already"));
    desk.rounds(8).await;
    said(&revoke());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegator_reads_what_it_can_lose_before_it_says_yes() {
    let desk = Desk::open().await;
    let operator = desk.account("operator", 100).await;
    let to = operator.address.to_string();
    said(&operator.types(&["stake", "bond", "10 LPT", "--role", "transcoder"]));
    said(&operator.types(&["transcoder", "set-price", "80", "wei"]));
    let cuts = [
        "transcoder",
        "set-cuts",
        "--reward-cut",
        "10%",
        "--fee-share",
        "25%",
    ];
    let done = said(&operator.types(&cuts));
    assert!(
        done.contains("keeps 10 % of rewards and shares 25 % of fees"),
        "{done}"
    );
    assert!(refused(&operator.types(&["transcoder", "set-price", "80"]), 2).contains("wei"));
    desk.rounds(1).await;

    let delegator = desk.account("delegator", 200).await;
    let delegate = |more: &[&str]| {
        delegator.types(&[&["stake", "delegate", "120", "LPT", "--to", &to], more].concat())
    };
    // Nobody sits at a terminal.
    let unanswered = delegate(&[]);
    let why = refused(&unanswered, 2);
    assert!(why.contains("--yes"), "{why}");
    let told = String::from_utf8(unanswered.stdout).unwrap();
    for part in [
        "own bond 10 LPT",
        "keeps 10 % of rewards",
        "shares 25 % of fees",
        "80 wei per pixel",
        "slashes: none so far",
        "10 % (12 LPT) for a wrong encode *",
        "10 % (12 LPT) for a leaf that it does not open when it must *",
        "50 % (60 LPT) for two receipts",
        "20 LPT would not count",
        "leaving takes 3 rounds",
    ] {
        assert!(told.contains(part), "{part:?} is not in\n{told}");
    }
    said(&delegate(&["--yes"]));
    let status = said(&desk.looks(&["stake", "status", &delegator.address.to_string()]));
    assert!(
        status.contains(&format!("with transcoder {to}: 120 LPT")),
        "{status}"
    );
    let nobody = format!("0x{}", "77".repeat(20));
    let lost = delegator.types(&["stake", "delegate", "1 LPT", "--to", &nobody, "--yes"]);
    assert!(refused(&lost, 1).contains("nothing was sent"));
}

#[tokio::test(flavor = "multi_thread")]
async fn stake_moves_leaves_and_comes_back_by_command() {
    let desk = Desk::open().await;
    let first = desk.account("first", 100).await;
    let second = desk.account("second", 100).await;
    for operator in [&first, &second] {
        said(&operator.types(&["stake", "bond", "50 LPT", "--role", "verifier"]));
    }
    let delegator = desk.account("delegator", 100).await;
    let (from, to) = (first.address.to_string(), second.address.to_string());
    let role = ["--role", "verifier"];
    let types = |words: &[&str]| delegator.types(&[words, &role].concat());
    said(&types(&[
        "stake", "delegate", "60 LPT", "--to", &from, "--yes",
    ]));
    desk.rounds(1).await;
    said(&types(&[
        "stake", "move", "20", "LPT", "--from", &from, "--to", &to,
    ]));
    said(&types(&["stake", "unbond", "10LPT", "--from", &from]));
    said(&types(&["stake", "unbond", "5 LPT", "--from", &from]));
    let me = delegator.address.to_string();
    let status = || said(&desk.looks(&["stake", "status", &me]));
    let now = status();
    assert!(
        now.contains(&format!("with verifier {from}: 25 LPT")),
        "{now}"
    );
    assert!(
        now.contains("lock 1: 20 LPT moves from") && now.contains("ripens"),
        "{now}"
    );
    let early = refused(&delegator.types(&["stake", "withdraw", "2"]), 1);
    assert!(early.contains("nothing was sent"), "{early}");
    assert!(!early.contains("block 0"), "{early}");
    assert!(refused(&delegator.types(&["stake", "withdraw"]), 2).contains("nothing is ripe yet"));
    assert!(refused(&delegator.types(&["stake", "claim"]), 2).contains("nothing to claim"));
    said(&delegator.types(&["stake", "rebond", "3"]));
    assert!(
        status().contains(&format!("with verifier {from}: 30 LPT")),
        "{}",
        status()
    );

    desk.rounds(9).await;
    let ripe = status();
    assert!(
        ripe.contains("lock 2: 10 LPT leaves") && ripe.contains("is ripe"),
        "{ripe}"
    );
    assert!(ripe.contains("can arrive now"), "{ripe}");
    said(&delegator.types(&["stake", "claim"]));
    let taken = said(&delegator.types(&["stake", "withdraw"]));
    assert!(taken.contains("lock 2 is paid out: 10 LPT"), "{taken}");
    let end = status();
    assert!(
        end.contains(&format!("with verifier {to}: 20 LPT")),
        "{end}"
    );
    assert!(
        end.contains("50 LPT and") && !end.contains("\nlock"),
        "{end}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn rounds_are_shown_and_opened() {
    let desk = Desk::open().await;
    let anyone = desk.account("anyone", 0).await;
    let before = said(&desk.looks(&["round"]));
    assert!(before.contains("no round was opened yet"), "{before}");
    desk.mine(8).await;
    let dry = said(&anyone.types(&["round", "open", "--dry-run"]));
    assert!(dry.contains("round 1 is opened"), "{dry}");
    said(&anyone.types(&["round", "open"]));
    let early = refused(&anyone.types(&["round", "open"]), 1);
    assert!(early.contains("nothing was sent"), "{early}");
    let json = said(&desk.looks(&["round", "--json"]));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["round"], 1);
}

#[test]
fn keys_are_written_where_nobody_else_reads_and_never_shown() {
    desk::keys();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcaster_deposits_and_takes_it_back_in_two_steps() {
    let desk = Desk::open().await;
    let owner = desk.account("owner", 0).await;
    let who = owner.address.to_string();
    let deposit = [
        "broadcaster",
        "deposit",
        "0.5",
        "ETH",
        "--reserve",
        "0.25 ETH",
    ];
    let bare = owner.types(&["broadcaster", "deposit", "0.5"]);
    assert!(refused(&bare, 2).contains("say the unit"));
    let nonce = desk.nonce(&owner).await;
    let dry = said(&owner.types(&[&deposit[..], &["--dry-run"]].concat()));
    assert!(dry.contains("0.5 ETH more in its deposit"), "{dry}");
    assert_eq!(desk.nonce(&owner).await, nonce);
    said(&owner.types(&deposit));
    let status = || said(&desk.looks(&["broadcaster", "status", &who]));
    assert!(
        status().contains("deposit 0.5 ETH, reserve 0.25 ETH"),
        "{}",
        status()
    );

    // The first step stops the work, so it is asked about.
    assert!(refused(&owner.types(&["broadcaster", "withdraw"]), 2).contains("needs a yes"));
    let withdraw = || owner.types(&["broadcaster", "withdraw", "--yes"]);
    desk.rounds(1).await;
    said(&withdraw());
    assert!(status().contains("from round 16 on"), "{}", status());
    assert!(refused(&withdraw(), 2).contains("0.75 ETH can be withdrawn from round 16 on"));
    said(&owner.types(&["broadcaster", "withdraw", "--cancel"]));
    assert!(!status().contains("withdrawn"), "{}", status());
    // Who is new has a part in two steps as well.
    let part_anew = || owner.types(&["broadcaster", "part-anew"]);
    let told = said(&part_anew());
    assert!(told.contains("will be parted"), "{told}");
    let parted = status();
    assert!(parted.contains("by those of round"), "{parted}");
    assert!(refused(&part_anew(), 1).contains("announced already"));
    said(&withdraw());
    desk.rounds(15).await;
    let done = said(&withdraw());
    assert!(done.contains("0.5 ETH"), "{done}");
    assert!(status().contains("deposit 0 ETH, reserve 0 ETH"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_deployed_by_command_and_a_verifier_joins() {
    let desk = Desk::open().await;
    let founder = desk.account("founder", 0).await;
    let out = desk.path("own.json");
    let deploy = |supply| {
        let words = ["deploy", "--preset", "demo", "--supply", supply, "--out"];
        founder.acts(&[&words[..], &[&out]].concat())
    };
    assert!(refused(&deploy("1000"), 2).contains("say the unit"));
    let done = said(&deploy("1000 LPT"));
    assert!(
        done.contains("FraudCourt") && done.contains("own.json"),
        "{done}"
    );
    assert!(refused(&deploy("1000 LPT"), 2).contains("exists"));

    let types = |words: &[&str]| founder.types_about("own.json", words);
    let folder = desk.path("node-keys");
    said(&desk.assay(&["init", &folder]));
    said(&types(&["stake", "bond", "100 LPT", "--role", "verifier"]));
    let register = || types(&["verifier", "register", "--keys", &folder]);
    said(&register());
    assert!(refused(&register(), 1).contains("nothing was sent"));
    assert!(said(&desk.looks(&["court", "list"])).contains("no cases"));
}
