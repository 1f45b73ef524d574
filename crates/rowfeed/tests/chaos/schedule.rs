//! Draws from a seed what goes wrong, when, and how often.

use crate::fault::{Class, KINDS, Kind, Op, Service};

/// How often a client attempts a call.
pub const ATTEMPTS: u32 = 3;

/// Everything that a seed determines.
#[derive(Clone, Debug)]
pub struct Schedule {
    pub seed: u64,
    pub service: Service,
    pub class: Class,
    /// The number of rows or items.
    pub total: u64,
    pub page_size: u32,
    /// The most rows that the server sends in a page, if the service may have such a limit.
    pub cap: u64,
    pub prefetch: usize,
    pub max_rows: Option<u64>,
    /// After each of these numbers of rows, reading is dropped and resumed from the cursor.
    pub stops: Vec<u64>,
    /// How often a run is polled before it ends.
    pub polls: u32,
    /// Where rows are filtered out, and how many.
    pub gap: (u64, u64),
    /// Whether the latest result is fresh enough for `max_age`.
    pub is_fresh: bool,
    pub faults: Vec<Fault>,
}

/// One fault.
#[derive(Clone, Debug)]
pub struct Fault {
    pub op: Op,
    pub kind: Kind,
    /// The row or item whose page it happens to; for other requests, the number of requests before.
    pub at: u64,
    /// How often it happens.
    pub times: u32,
    /// Whether a call that changes something is carried out before the fault.
    pub carried_out: bool,
}

impl Schedule {
    pub fn draw(seed: u64) -> Self {
        let mut random = fastrand::Rng::with_seed(seed);
        // Consecutive seeds cycle through all combinations, so that none depends on chance.
        let all = combinations();
        let (service, class, op, kind) = all[(seed % all.len() as u64) as usize];
        let total = match random.u32(0..8) {
            0 => random.u64(0..3),
            _ => random.u64(1..48),
        };
        let page_size = random.u32(1..=12);
        let first = Fault::draw(op, kind, total, &mut random);
        let mut schedule = Self {
            seed,
            service,
            class,
            total,
            page_size,
            cap: match random.u8(0..3) {
                0 => random.u64(1..=page_size.into()),
                _ => u64::MAX,
            },
            prefetch: match class {
                Class::Prefetch => random.usize(1..=4),
                Class::Run | Class::Pages | Class::Filtered => random.usize(0..=3),
                _ => 0,
            },
            max_rows: random.bool().then(|| random.u64(0..=total + 2)),
            stops: (0..random.u32(0..3))
                .map(|_| random.u64(0..=total))
                .collect(),
            polls: random.u32(0..4),
            gap: match class {
                Class::Filtered => {
                    let size = random.u64(1..=3 * u64::from(page_size));
                    (random.u64(0..=total), size)
                }
                _ => (u64::MAX, 0),
            },
            // Otherwise no run is started unless a fault happens.
            is_fresh: op == Op::Page && random.bool(),
            faults: vec![first],
        };
        // `max_age()` requests the first row of the latest result.
        if class == Class::MaxAge && op == Op::Page && random.bool() {
            schedule.faults[0].at = 0;
        }
        for _ in 0..random.u32(0..4) {
            let op = schedule.class.ops(service)[random.usize(0..class.ops(service).len())];
            let fitting: Vec<_> = KINDS
                .iter()
                .filter(|kind| kind.fits(service, class, op))
                .collect();
            let kind = *fitting[random.usize(0..fitting.len())];
            let fault = Fault::draw(op, kind, total, &mut random);
            schedule.faults.push(fault);
        }
        schedule
    }

    /// Whether reading must end without an error.
    pub fn is_survivable(&self) -> bool {
        let mut left = ATTEMPTS - 1;
        self.faults.iter().all(|fault| {
            if fault.kind.is_harmless(fault.op) {
                return true;
            }
            if !fault.kind.is_retried(fault.op) || fault.times > left {
                return false;
            }
            left -= fault.times;
            true
        })
    }
}

impl Fault {
    fn draw(op: Op, kind: Kind, total: u64, random: &mut fastrand::Rng) -> Self {
        Self {
            op,
            kind,
            at: match op {
                Op::Page | Op::List | Op::Csv => random.u64(0..=total),
                _ => random.u64(0..3),
            },
            times: match random.u32(0..20) {
                0..=11 => 1,
                12..=14 => 2,
                15..=16 => 3,
                17..=18 => 4,
                // Waiting for a run continues after these, with pauses of up to 100 ms.
                _ if kind.is_waited_out() => 8,
                _ => 1000,
            },
            carried_out: random.bool(),
        }
    }
}

/// Every kind of fault at every request of every class.
pub fn combinations() -> Vec<(Service, Class, Op, Kind)> {
    let mut all = Vec::new();
    for service in Service::ALL {
        for &class in service.classes() {
            for &op in class.ops(service) {
                let fitting = KINDS.iter().filter(|kind| kind.fits(service, class, op));
                all.extend(fitting.map(|&kind| (service, class, op, kind)));
            }
        }
    }
    all
}
