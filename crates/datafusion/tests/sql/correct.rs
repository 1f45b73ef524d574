//! Queries over results equal the same queries over the same rows in memory.

use crate::support::{Bench, collect, in_memory, lines, remote};

/// Queries whose rows may come in any order.
const UNORDERED: &[&str] = &[
    // projection
    "SELECT * FROM t",
    "SELECT id FROM t",
    "SELECT project, id FROM t",
    "SELECT id, id AS again, project FROM t",
    "SELECT amount AS usd, k + 1 AS next, price * 2 AS twice FROM t",
    "SELECT tags, pair FROM t",
    "SELECT get_field(pair, 'b'), big FROM t",
    "SELECT * FROM l",
    "SELECT * FROM y",
    "SELECT share, id FROM y",
    "SELECT 1 FROM t",
    "SELECT DISTINCT project FROM t",
    "SELECT DISTINCT k, is_maker FROM t",
    // predicates of every type
    "SELECT id FROM t WHERE id = 7",
    "SELECT id FROM t WHERE id IN (3, 44, 199, 999)",
    "SELECT id FROM t WHERE id BETWEEN 95 AND 105",
    "SELECT id FROM t WHERE k > 3 AND k <> 5",
    "SELECT id FROM t WHERE project = 'lagoon'",
    "SELECT id FROM t WHERE project LIKE '%marsh'",
    "SELECT id FROM t WHERE project NOT LIKE 't%'",
    "SELECT id FROM t WHERE project > 'm'",
    "SELECT id FROM t WHERE amount > 2.25",
    "SELECT id FROM t WHERE amount = -15",
    "SELECT id FROM t WHERE price >= 500.000000001",
    "SELECT id FROM t WHERE price = 37.000007919",
    "SELECT id FROM t WHERE day >= DATE '2024-03-01' AND day < DATE '2024-04-10'",
    "SELECT id FROM t WHERE at > TIMESTAMP '2024-05-01T10:00:00'",
    "SELECT id FROM t WHERE at_zone < TIMESTAMP '2024-02-01T00:00:00Z'",
    "SELECT id FROM t WHERE is_maker",
    "SELECT id FROM t WHERE NOT is_maker",
    "SELECT id FROM t WHERE hash > x'80000000'",
    "SELECT id FROM t WHERE big = '1700000000000000000000000000000000000000'",
    "SELECT id FROM t WHERE get_field(pair, 'a') = 2",
    "SELECT members FROM y WHERE share > 20.5",
    "SELECT id FROM y WHERE since < DATE '2024-06-01'",
    "SELECT trades FROM l WHERE usd < 0",
    // NULLs
    "SELECT id FROM t WHERE project IS NULL",
    "SELECT id FROM t WHERE amount IS NOT NULL AND price IS NULL",
    "SELECT id FROM t WHERE is_maker IS NOT TRUE",
    "SELECT id FROM t WHERE is_maker IS DISTINCT FROM false",
    "SELECT id, coalesce(project, 'none') FROM t",
    "SELECT count(*), count(project), count(amount), count(DISTINCT project) FROM t",
    "SELECT id FROM t WHERE project NOT IN (SELECT project FROM l WHERE project IS NOT NULL)",
    "SELECT id FROM t WHERE project NOT IN (SELECT project FROM l)",
    // aggregates
    "SELECT count(*) FROM t",
    "SELECT count(*) FROM t WHERE k = 3",
    "SELECT count(*) FROM l",
    "SELECT count(*) FROM y WHERE share IS NULL",
    "SELECT sum(id), min(id), max(id), avg(k) FROM t",
    "SELECT sum(price), min(price), max(price) FROM t",
    "SELECT sum(amount), min(day), max(at), min(at_zone) FROM t",
    "SELECT project, count(*), sum(amount), max(price) FROM t GROUP BY project",
    "SELECT k, project, sum(id) FROM t GROUP BY k, project HAVING sum(id) > 300",
    "SELECT is_maker, count(DISTINCT k), bool_or(is_maker) FROM t GROUP BY is_maker",
    "SELECT day, sum(price) FROM t GROUP BY day HAVING count(*) > 0",
    "SELECT k, count(*) FILTER (WHERE amount > 0) FROM t GROUP BY k",
    "SELECT project, k, count(*) FROM t GROUP BY GROUPING SETS ((project), (k), ())",
    "SELECT stddev(id) > 70, median(k) FROM t",
    "SELECT sum(trades), sum(usd), min(noted_at) FROM l",
    "SELECT sum(share), sum(members), max(seen_at) FROM y",
    // joins
    "SELECT t.id, y.members FROM t JOIN y ON t.id = y.id",
    "SELECT t.id, y.members FROM t LEFT JOIN y ON t.id = y.id AND y.share > 10",
    "SELECT t.id, y.id FROM t RIGHT JOIN y USING (id)",
    "SELECT t.id, y.id FROM t FULL JOIN y ON t.id = y.id + 200",
    "SELECT t.project, count(*), sum(l.usd) FROM t JOIN l ON t.project = l.project GROUP BY t.project",
    "SELECT count(*) FROM t JOIN l ON t.day = l.day JOIN y ON t.id = y.id",
    "SELECT a.id, b.id FROM t a JOIN t b ON a.id = b.id + 200",
    "SELECT count(*), sum(a.id) FROM t a, t b WHERE a.k = b.k AND a.id < b.id",
    "SELECT y.id FROM y WHERE EXISTS (SELECT 1 FROM t WHERE t.id = y.id AND t.is_maker)",
    "SELECT y.id FROM y WHERE NOT EXISTS (SELECT 1 FROM t WHERE t.k = y.members)",
    "SELECT l.day, t.at FROM l JOIN t ON l.noted_at < t.at_zone AND l.trades = t.k AND t.id < 20",
    // unions and set operations
    "SELECT id FROM t UNION ALL SELECT id FROM y",
    "SELECT count(*), sum(id) FROM (SELECT id FROM t UNION ALL SELECT id FROM y UNION ALL SELECT 7)",
    "SELECT count(*), sum(id) FROM (SELECT id FROM t WHERE k = 1 UNION ALL SELECT id FROM t)",
    "SELECT project FROM t UNION SELECT project FROM l",
    "SELECT project FROM t INTERSECT SELECT project FROM y",
    "SELECT id FROM t EXCEPT SELECT id FROM y",
    // subqueries and tables used twice
    "SELECT id FROM t WHERE amount > (SELECT avg(amount) FROM t)",
    "SELECT id FROM t WHERE id IN (SELECT id FROM y WHERE rating > 0)",
    "SELECT id, (SELECT max(members) FROM y) FROM t WHERE k = 2",
    "SELECT t.id FROM t WHERE t.amount = (SELECT max(b.amount) FROM t b WHERE b.k = t.k)",
    "WITH a AS (SELECT k, sum(id) AS s FROM t GROUP BY k) SELECT x.k, z.s FROM a x JOIN a z ON x.k = z.k",
    "SELECT count(*) FROM t WHERE k = (SELECT count(*) FROM y WHERE share IS NULL) - 15",
    // windows
    "SELECT id, row_number() OVER (PARTITION BY k ORDER BY id) FROM t",
    "SELECT id, sum(id) OVER (PARTITION BY project ORDER BY id) FROM t",
    "SELECT id, lag(amount) OVER (ORDER BY id), rank() OVER (ORDER BY k) FROM t",
    "SELECT id, avg(id) OVER (ORDER BY id ROWS BETWEEN 3 PRECEDING AND 2 FOLLOWING) FROM t",
    // counts of LIMIT without an order
    "SELECT count(*) FROM (SELECT id FROM t LIMIT 33)",
    "SELECT count(*) FROM (SELECT id FROM t LIMIT 100 OFFSET 200)",
    "SELECT count(*) FROM (SELECT * FROM t WHERE k = 1 LIMIT 1000)",
    "SELECT count(id) FROM (SELECT id FROM t LIMIT 170)",
];

/// Queries whose rows come in one order.
const ORDERED: &[&str] = &[
    "SELECT id, project FROM t ORDER BY id",
    "SELECT id FROM t ORDER BY id DESC LIMIT 10",
    "SELECT id, amount FROM t ORDER BY amount DESC NULLS LAST, id LIMIT 25",
    "SELECT id FROM t ORDER BY price, id OFFSET 100",
    "SELECT id FROM t WHERE k = 4 ORDER BY day DESC, id LIMIT 7 OFFSET 5",
    "SELECT id, at FROM t ORDER BY at DESC, id LIMIT 3",
    "SELECT project, sum(id) AS s FROM t GROUP BY project ORDER BY s DESC LIMIT 2",
    "SELECT id FROM t UNION ALL SELECT id FROM y ORDER BY id LIMIT 40",
    "SELECT id, row_number() OVER (ORDER BY amount, id) AS n FROM t ORDER BY n LIMIT 12",
    "SELECT t.id, l.trades FROM t JOIN l ON t.project = l.project ORDER BY t.id, l.trades, l.day LIMIT 50",
];

async fn equal_in_memory(partitions: usize) {
    let bench = Bench::start().await;
    let memory = in_memory(&bench).await;
    let remote = remote(&bench, partitions).await;
    let unordered = UNORDERED.iter().map(|sql| (*sql, false));
    let queries: Vec<_> = unordered
        .chain(ORDERED.iter().map(|sql| (*sql, true)))
        .collect();
    assert!(queries.len() >= 60);
    for (sql, is_ordered) in queries {
        let expected = collect(&memory, sql).await;
        let found = collect(&remote, sql).await;
        if let (Some(expected), Some(found)) = (expected.first(), found.first()) {
            assert_eq!(expected.schema().fields(), found.schema().fields(), "{sql}");
        }
        let (expected, found) = (lines(&expected, is_ordered), lines(&found, is_ordered));
        assert_eq!(expected, found, "{partitions} partitions: {sql}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_with_one_partition_equal_those_in_memory() {
    equal_in_memory(1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_with_two_partitions_equal_those_in_memory() {
    equal_in_memory(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_with_eight_partitions_equal_those_in_memory() {
    equal_in_memory(8).await;
}
