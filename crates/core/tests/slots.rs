//! Counters in slots against a map that has room for all.

use std::collections::HashMap;

use proptest::prelude::*;
use unkey_core::ratelimit::Window;
use unkey_core::slots::{CounterId, Key, MOST_PROBES, Slot, find, place};

const DURATIONS: [i64; 3] = [100, 250, 4000];

/// Few ids, whose searches begin at few places.
fn key() -> impl Strategy<Value = Key> {
    (1..4u32, 0..40u8).prop_map(|(database, name)| {
        let mut bytes = [0; 16];
        (bytes[0], bytes[15]) = (name, name % 4);
        Key {
            database,
            id: CounterId::from_bytes(bytes),
            duration: DURATIONS[usize::from(name) % DURATIONS.len()],
        }
    })
}

fn rolled(window: Option<&Window>, key: &Key, now: i64) -> (i64, i64) {
    let window = window.copied().unwrap_or_default().rolled(now, key.duration);
    (window.current, window.previous)
}

/// Counts in the slots, if there is room, and answers the window counted from.
fn count(slots: &mut [Slot], key: &Key, cost: i64, now: i64) -> Option<Window> {
    let at =
        find(slots, key).or_else(|| place(slots, key, Window::default(), now).map(|placed| placed.at))?;
    let before = slots[at].counter().window;
    let window = before.rolled(now, key.duration);
    slots[at].count(Window { current: window.current + cost, ..window });
    Some(before)
}

proptest! {
    #[test]
    fn slots_remember_all_that_a_map_does(
        size in 1..100usize,
        steps in prop::collection::vec((key(), 0..60i64, 0..3i64), 1..300),
    ) {
        let (mut slots, mut map) = (vec![Slot::default(); size], HashMap::<Key, Window>::new());
        let mut now = 1_000_000;
        for (key, pause, cost) in steps {
            now += pause;
            let Some(before) = count(&mut slots, &key, cost, now) else {
                // No room is said only if every slot looked at, or all there are, is somebody's who still counts.
                let live = |slot: &&Slot| now / slot.key().duration - slot.counter().window.seq < 2;
                prop_assert!(slots.iter().filter(live).count() >= size.min(MOST_PROBES));
                prop_assert_eq!(rolled(map.get(&key), &key, now), (0, 0));
                continue;
            };
            prop_assert_eq!(rolled(Some(&before), &key, now), rolled(map.get(&key), &key, now));
            let window = before.rolled(now, key.duration);
            map.insert(key, Window { current: window.current + cost, ..window });
        }
        for (key, window) in &map {
            let found = find(&slots, key).map(|at| slots[at].counter().window);
            prop_assert_eq!(rolled(found.as_ref(), key, now), rolled(Some(window), key, now));
        }
    }

    #[test]
    fn no_counter_is_there_twice(size in 1..100usize, steps in prop::collection::vec((key(), 0..60i64), 1..300)) {
        let mut slots = vec![Slot::default(); size];
        let mut now = 1_000_000;
        for (key, pause) in steps {
            now += pause;
            count(&mut slots, &key, 1, now);
            prop_assert!(slots.iter().filter(|slot| slot.holds(&key)).count() <= 1);
        }
    }
}
