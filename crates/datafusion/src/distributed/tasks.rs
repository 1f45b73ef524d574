//! How a scan is divided between workers: whole row ranges, which begin with pages.

use std::sync::Arc;

use datafusion::{
    common::Result,
    datasource::{
        listing::PartitionedFile,
        physical_plan::{FileGroup, FileScanConfig},
        source::DataSourceExec,
    },
    physical_plan::ExecutionPlan,
};
use datafusion_distributed::{
    DesiredTaskCountEvent, DesiredTaskCountEventResponse, DistributedLeafExec,
    ScaleUpLeafNodeEvent, ScaleUpLeafNodeEventResponse,
};

use super::{client::distinct_workers, codec::scan_of};
use crate::source::{RowfeedSource, file_of, part_of};

fn scan(plan: &Arc<dyn ExecutionPlan>) -> Option<(&FileScanConfig, &RowfeedSource)> {
    let scan = plan.downcast_ref::<DataSourceExec>()?;
    scan.downcast_to_file_source::<RowfeedSource>()
}

fn files(config: &FileScanConfig) -> impl Iterator<Item = &PartitionedFile> {
    config.file_groups.iter().flat_map(FileGroup::iter)
}

/// As many tasks as there are row ranges. Without ranges, the client reads the result itself.
pub(super) fn desired(
    event: DesiredTaskCountEvent<'_>,
) -> Option<Result<DesiredTaskCountEventResponse>> {
    let (config, source) = scan(event.plan)?;
    let has_ranges = files(config).all(|file| file.range.is_some());
    Some(Ok(
        match has_ranges && source.shared.identity.run_id.is_some() {
            true => DesiredTaskCountEventResponse::desired(files(config).count().max(1)),
            false => DesiredTaskCountEventResponse::maximum(1),
        },
    ))
}

/// Hands out the ranges in turn. The built-in handler cuts ranges anywhere. All tasks have the same
/// number of partitions, so some may be empty.
///
/// All workers of the cluster may read with one key at the same time, in this stage or in another, so
/// each gets an equal share of its rate.
pub(super) fn scale_up(
    event: ScaleUpLeafNodeEvent<'_>,
) -> Option<Result<ScaleUpLeafNodeEventResponse>> {
    let (config, source) = scan(event.plan)?;
    let tasks = event.task_count.max(1);
    let files: Vec<_> = files(config).cloned().collect();
    if files.iter().any(|file| part_of(file).rows.is_none()) {
        return None;
    }
    let readers = match distinct_workers(event.session_config) {
        Ok(workers) => u32::try_from(workers.len().max(1)).unwrap_or(u32::MAX),
        Err(error) => return Some(Err(error)),
    };
    let mut source = source.clone();
    source.readers = readers;
    let source = Arc::new(source);
    let path = source.shared.identity.path();
    let total = files.first().map_or(0, |file| file.object_meta.size);
    let partitions = files.len().div_ceil(tasks).max(1);
    let variants = (0..tasks).map(|task| {
        let mut groups: Vec<_> = files
            .iter()
            .skip(task)
            .step_by(tasks)
            .map(|file| FileGroup::new(vec![file.clone()]))
            .collect();
        let empty = || FileGroup::new(vec![file_of(&path, Some((total, 0..0)))]);
        groups.resize_with(partitions, empty);
        scan_of(Arc::clone(&source), groups, config.limit)
    });
    let leaf = DistributedLeafExec::try_new(Arc::clone(event.plan), variants);
    Some(leaf.map(|leaf| ScaleUpLeafNodeEventResponse::new(Arc::new(leaf))))
}
