use super::*;
use std::time::Duration;

async fn soon<T>(future: impl Future<Output = T>) -> Option<T> {
    tokio::time::timeout(Duration::from_millis(20), future)
        .await
        .ok()
}

#[tokio::test]
async fn accused_leaves_do_not_wait_for_transcodes() {
    let slots = Slots::new(2, 8);
    let first = slots.acquire(Priority::Transcode).await.unwrap();
    let _second = slots.acquire(Priority::Transcode).await.unwrap();
    assert!(soon(slots.acquire(Priority::Transcode)).await.is_none());
    assert!(soon(slots.acquire(Priority::Sample)).await.is_none());
    let accused = slots.acquire(Priority::Accused).await.unwrap();
    let other = slots.acquire(Priority::Accused).await.unwrap();
    assert_eq!(slots.busy(), 4);
    let (mut third, mut fourth) = (
        Box::pin(slots.acquire(Priority::Accused)),
        Box::pin(slots.acquire(Priority::Accused)),
    );
    assert!(soon(&mut third).await.is_none() && soon(&mut fourth).await.is_none());
    assert_eq!(slots.busy(), 6);
    drop(other);
    assert!(
        soon(&mut fourth).await.is_none(),
        "accused leaves go in the order they came"
    );
    let mut confirm = Box::pin(slots.acquire(Priority::Confirm));
    assert!(soon(&mut confirm).await.is_none());
    drop(soon(&mut third).await.unwrap());
    assert!(
        soon(&mut fourth).await.is_none(),
        "what confirms goes before what is accused"
    );
    drop((confirm, fourth));
    assert_eq!(slots.busy(), 3);

    let (mut transcode, mut sample) = (
        Box::pin(slots.acquire(Priority::Transcode)),
        Box::pin(slots.acquire(Priority::Sample)),
    );
    assert!(soon(&mut transcode).await.is_none() && soon(&mut sample).await.is_none());
    drop(accused);
    assert!(
        soon(&mut sample).await.is_none(),
        "the reserved slots are for accused leaves"
    );
    drop(first);
    assert!(
        soon(&mut transcode).await.is_none(),
        "a sample goes before a transcode"
    );
    assert!(soon(&mut sample).await.is_some());
}

#[tokio::test]
async fn waiters_that_leave_cost_nothing() {
    let slots = Slots::new(1, 2);
    let held = slots.acquire(Priority::Sample).await.unwrap();
    for _ in 0..10 {
        assert!(soon(slots.acquire(Priority::Sample)).await.is_none());
    }
    let (a, b) = (slots.clone(), slots.clone());
    let waiting = [
        tokio::spawn(async move { a.acquire(Priority::Sample).await.map(drop) }),
        tokio::spawn(async move { b.acquire(Priority::Sample).await.map(drop) }),
    ];
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(matches!(
        slots.acquire(Priority::Sample).await,
        Err(WorkerError::Overloaded { waiting: 2, max: 2 })
    ));
    drop(held);
    for task in waiting {
        task.await.unwrap().unwrap();
    }
    assert!(soon(slots.acquire(Priority::Transcode)).await.is_some());
}

/// Slots that it has, as it has heard.
fn count(slot: &mut Slot) -> usize {
    let heard = std::iter::from_fn(|| slot.changes.try_recv().ok());
    1 + heard.filter(|change| *change == Change::More).count()
}

#[tokio::test]
async fn who_can_use_several_gets_what_nobody_waits_for() {
    let slots = Slots::new(4, 8);
    let mut lone = slots.acquire(Priority::Transcode).await.unwrap();
    assert_eq!(count(&mut lone), 1, "it has not said that it can use more");
    lone.held.can_use(3);
    assert_eq!(count(&mut lone), 3);
    let mut other = slots.acquire(Priority::Transcode).await.unwrap();
    other.held.can_use(3);
    assert_eq!((count(&mut other), slots.busy()), (1, 2));
    let mut third = Box::pin(slots.acquire(Priority::Transcode));
    assert!(soon(&mut third).await.is_none());
    drop(lone);
    let third = third.await.unwrap();
    assert_eq!(count(&mut other), 3, "who waited had one of the three");
    assert!(soon(slots.acquire(Priority::Sample)).await.is_none());
    drop((other, third));
    assert_eq!(lock(&slots.state).used, 0);
}

#[tokio::test]
async fn who_holds_several_gives_them_back_one_by_one_to_who_waits() {
    let slots = Slots::new(4, 8);
    let mut lone = slots.acquire(Priority::Transcode).await.unwrap();
    lone.held.can_use(9);
    assert_eq!(count(&mut lone), 4);
    let mut sample = Box::pin(slots.acquire(Priority::Sample));
    let mut other = Box::pin(slots.acquire(Priority::Transcode));
    assert!(soon(&mut sample).await.is_none() && soon(&mut other).await.is_none());
    let asked = [lone.changes.try_recv(), lone.changes.try_recv()];
    assert_eq!(asked, [Ok(Change::Less), Ok(Change::Less)]);
    assert!(lone.changes.try_recv().is_err(), "one for each that waits");
    lone.held.give_one();
    let mut sample = sample.await.unwrap();
    sample.held.can_use(2);
    assert!(soon(&mut other).await.is_none());
    lone.held.give_one();
    let other = other.await.unwrap();
    lone.held.give_one();
    assert_eq!(lock(&slots.state).used, 4, "nobody asked for a third");

    // What is less urgent asks nothing of a sample; and the last slot is nobody's to ask for.
    drop(other);
    assert_eq!(sample.changes.try_recv(), Ok(Change::More));
    let mut third = Box::pin(slots.acquire(Priority::Transcode));
    assert!(soon(&mut third).await.is_none());
    assert!(sample.changes.try_recv().is_err());
    assert_eq!(lone.changes.try_recv(), Ok(Change::Less));
    let mut fourth = Box::pin(slots.acquire(Priority::Transcode));
    assert!(soon(&mut fourth).await.is_none());
    assert!(lone.changes.try_recv().is_err());
    drop(third);
    lone.held.give_one();
    assert!(soon(&mut fourth).await.is_some());
    drop((lone, sample));
    assert_eq!(lock(&slots.state).used, 0);
}

#[tokio::test]
async fn who_gives_a_slot_that_the_reserve_lacked_is_asked_again() {
    let slots = Slots::new(3, 8);
    let mut lone = slots.acquire(Priority::Transcode).await.unwrap();
    lone.held.can_use(3);
    assert_eq!(count(&mut lone), 3);
    let accused = slots.acquire(Priority::Accused).await.unwrap();
    let mut other = Box::pin(slots.acquire(Priority::Transcode));
    assert!(soon(&mut other).await.is_none());
    for _ in 0..2 {
        assert!(soon(&mut other).await.is_none());
        assert_eq!(lone.changes.try_recv(), Ok(Change::Less));
        lone.held.give_one();
    }
    let other = other.await.unwrap();
    assert!(lone.changes.try_recv().is_err());
    drop((lone, accused, other));
    assert_eq!(lock(&slots.state).used, 0);
}

#[tokio::test]
async fn what_the_last_chunks_leave_idle_is_used_by_others() {
    let slots = Slots::new(3, 8);
    let first = slots.acquire(Priority::Transcode).await.unwrap();
    first.held.can_use(3);
    let mut waiting = Box::pin(slots.acquire(Priority::Transcode));
    assert!(soon(&mut waiting).await.is_none());
    first.held.can_use(3);
    assert!(soon(&mut waiting).await.is_none(), "nothing is idle");
    first.held.can_use(2);
    let mut second = waiting.await.unwrap();
    second.held.can_use(3);
    assert_eq!(count(&mut second), 1);
    let mut first = first;
    assert_eq!(first.changes.try_recv(), Ok(Change::More));
    assert_eq!(first.changes.try_recv(), Ok(Change::More));
    assert_eq!(first.changes.try_recv(), Ok(Change::Less), "one waited");

    let mut accused = slots.acquire(Priority::Accused).await.unwrap();
    accused.held.can_use(2);
    assert_eq!(count(&mut accused), 2, "there is a reserve for it");
    let mut sample = Box::pin(slots.acquire(Priority::Sample));
    assert!(soon(&mut sample).await.is_none());
    first.held.can_use(0);
    assert!(
        soon(&mut sample).await.is_none(),
        "the reserve is not for it"
    );
    accused.held.can_use(1);
    assert!(soon(&mut sample).await.is_none(), "three are used");
    drop(accused);
    let sample = sample.await.unwrap();
    assert_eq!((count(&mut second), slots.busy()), (1, 3));
    drop(sample);
    assert_eq!(second.changes.recv().await, Some(Change::More));
    drop(first);
    assert_eq!(second.changes.recv().await, Some(Change::More));
    second.held.can_use(1);
    assert_eq!(lock(&slots.state).used, 1);
}
