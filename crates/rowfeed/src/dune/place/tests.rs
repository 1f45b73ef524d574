use super::Place;

/// A page of the rows from 10 on, of a result of 30 rows.
fn page(rows: u64, next: Option<u64>) -> Place {
    Place {
        first: 10,
        rows,
        said: None,
        next,
        total: Some(30),
        has_all_rows: true,
        is_enough: false,
    }
}

#[test]
fn the_next_page_begins_where_this_one_ends() {
    assert_eq!(page(5, Some(15)).misfit(Some(30)), None);
    assert_eq!(page(20, None).misfit(None), None);
    for (place, said) in [
        (page(5, Some(14)), "before row 15"),
        (page(5, Some(16)), "this one ends before row 15"),
        (page(5, None), "30 were announced; it names no next page"),
        (page(0, Some(20)), "30 were announced; it names a next page"),
        (page(21, None), "has at least 31"),
        (
            Place {
                said: Some(6),
                ..page(5, Some(15))
            },
            "has 6 rows, but it has 5",
        ),
    ] {
        let flaw = place.misfit(Some(30)).unwrap_or_default();
        assert!(flaw.contains(said), "{said}: {flaw:?}");
    }
    let flaw = page(5, Some(15)).misfit(Some(31)).unwrap_or_default();
    assert!(flaw.contains("announced 31 rows"), "{flaw}");
}

#[test]
fn rows_that_filters_exclude_are_not_missing() {
    let filtered = |place: Place| Place {
        total: None,
        has_all_rows: false,
        ..place
    };
    for place in [
        page(5, Some(16)),
        page(5, None),
        page(0, Some(20)),
        page(21, None),
    ] {
        assert_eq!(filtered(place).misfit(None), None);
    }
    assert!(filtered(page(5, Some(14))).misfit(None).is_some());
    // The reader needs no more rows, and a page past the end has none.
    let enough = Place {
        is_enough: true,
        ..page(5, None)
    };
    assert_eq!(enough.misfit(None), None);
    let behind = Place {
        first: 99,
        ..page(0, None)
    };
    assert_eq!(behind.misfit(None), None);
}
