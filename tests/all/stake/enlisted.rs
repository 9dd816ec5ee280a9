//! A place in the active set that somebody larger has taken and left.

use assay_chain::views::Role;
use assay_protocol::params::Params;

use super::desk::{Desk, refused, said};

#[tokio::test(flavor = "multi_thread")]
async fn who_lost_its_place_returns_once_there_is_one() {
    let places = 2;
    let desk = Desk::open_with(Params {
        active_transcoders: places,
        ..Params::demo()
    })
    .await;
    let role = Role::Transcoder;
    let as_role = ["--role", "transcoder"];
    let owner = desk.account("owner", 100).await;
    let large = desk.account("large", 100).await;
    let passing = desk.account("passing", 100).await;
    let bonds = |person: &super::desk::Person, amount| {
        said(&person.types(&[&["stake", "bond", amount], &as_role[..]].concat()));
    };
    bonds(&owner, "50 LPT");
    bonds(&large, "70 LPT");
    let could = async || {
        desk.client()
            .could_enter(role, owner.address, places)
            .await
            .unwrap()
    };
    let active = async || {
        desk.client()
            .standing(role, owner.address)
            .await
            .unwrap()
            .active
    };
    let enlist = [&["stake", "enlist"], &as_role[..]].concat();
    assert!(refused(&owner.types(&enlist), 2).contains("among them already"));

    bonds(&passing, "51 LPT");
    assert!(!active().await && !could().await);
    let why = refused(&owner.types(&enlist), 2);
    assert!(why.contains("not larger than the smallest of 2"), "{why}");
    let leave = ["stake", "unbond", "51 LPT"];
    said(&passing.types(&[&leave[..], &as_role].concat()));
    desk.rounds(1).await;
    assert!(!active().await && could().await, "nobody refills the set");

    let done = desk.does(&owner, &enlist).await;
    assert!(done.to_string().contains("activated"), "{done}");
    assert!(active().await && !could().await);
    desk.rounds(1).await;
    let round = desk.client().round().await.unwrap().round;
    let set = desk.client().snapshot(role, round).await.unwrap();
    assert!(set.get(owner.address).is_some());

    // Outside again: what makes it heavy enough brings it in as well, whoever deposits, and what does not, does not.
    bonds(&large, "20 LPT");
    let rival = desk.account("rival", 100).await;
    bonds(&rival, "60 LPT");
    assert!(!active().await);
    let small = ["stake", "bond", "1 LPT"];
    let small = desk.does(&owner, &[&small[..], &as_role].concat()).await;
    assert!(!small.to_string().contains("activated") && !active().await);
    let friend = desk.account("friend", 100).await;
    let to = owner.address.to_string();
    let delegate = ["stake", "delegate", "20 LPT", "--to", &to];
    let dry = said(&friend.types(&[&delegate[..], &as_role, &["--dry-run"]].concat()));
    assert!(dry.contains("the last call brings it in"), "{dry}");
    let done = desk
        .does(&friend, &[&delegate[..], &as_role].concat())
        .await;
    assert!(done.to_string().contains("activated"), "{done}");
    assert!(active().await && !could().await);
}
