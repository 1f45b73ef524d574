//! Scans of results as bytes: what travels to workers.

use std::{fmt, ops::Range, sync::Arc};

use arrow_schema::{DataType, Schema};
use datafusion::{
    common::{DataFusionError, Result, Statistics, exec_datafusion_err, exec_err, internal_err},
    datasource::{
        physical_plan::{FileGroup, FileScanConfigBuilder, FileSource as _},
        source::DataSourceExec,
    },
    execution::{TaskContext, object_store::ObjectStoreUrl},
    physical_expr::{
        expressions::Column,
        projection::{ProjectionExpr, ProjectionExprs},
    },
    physical_plan::{ExecutionPlan, Partitioning},
};
use datafusion_proto::{
    physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension},
    protobuf,
};
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::{
    attach::{AttachedResult, RunKey},
    profiles::Profiles,
};
use crate::{
    origin::{Identity, Origin},
    source::{RowfeedSource, Shared, file_of, indices, part_of},
};

/// What encoded scans begin with.
const MAGIC: &[u8; 8] = b"rowfeed1";

/// The profile of tables that name none.
pub(super) const DEFAULT_PROFILE: &str = "default";

/// Encodes scans of results for workers: service, profile, run, columns and row ranges. No SQL and
/// no credential is in it.
///
/// [`Cluster`](super::Cluster) and [`WorkerServer`](super::WorkerServer) install it.
#[derive(Clone, Default)]
pub struct ResultCodec {
    profiles: Option<Profiles>,
}

/// A scan. The schema follows it, as DataFusion encodes it.
#[derive(Debug, Serialize, Deserialize)]
struct Scan {
    service: String,
    profile: String,
    run_id: String,
    result_set: usize,
    place: Option<String>,
    /// The columns that are read as another type than the declared one.
    chosen: Vec<String>,
    projection: Option<Vec<(usize, String)>>,
    /// The row ranges of each partition.
    partitions: Vec<Vec<(u64, u64)>>,
    total: u64,
    limit: Option<usize>,
    page_size: Option<u32>,
    prefetch: usize,
    /// How many workers share the rate of the key.
    readers: u32,
}

impl ResultCodec {
    /// A codec that encodes only, for clients.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A codec for workers, which builds scans with the clients of these profiles.
    #[must_use]
    pub fn with_profiles(profiles: Profiles) -> Self {
        let profiles = Some(profiles);
        Self { profiles }
    }

    fn decode(&self, bytes: &[u8]) -> Result<Arc<dyn ExecutionPlan>> {
        let Some((length, rest)) = bytes
            .strip_prefix(MAGIC)
            .and_then(|rest| rest.split_first_chunk::<4>())
        else {
            return exec_err!("the plan has a node that is not a scan of a rowfeed result");
        };
        let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
        let Some((scan, schema)) = rest.split_at_checked(length) else {
            return exec_err!("the encoded scan of a result is cut off");
        };
        let scan: Scan = serde_json::from_slice(scan).map_err(invalid)?;
        let schema = protobuf::Schema::decode(schema).map_err(invalid)?;
        let schema = Schema::try_from(&schema).map_err(invalid)?;
        self.plan(scan, schema)
    }

    fn plan(&self, scan: Scan, schema: Schema) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(profiles) = &self.profiles else {
            return exec_err!("this process is no worker: it has no profiles to read results with");
        };
        let Some((service, client)) = profiles.get(&scan.profile, &scan.service, scan.readers)
        else {
            return exec_err!(
                "the worker has no profile {:?} for {}; it has: {}. Choose one with \
                 ResultTableBuilder::profile()",
                scan.profile,
                scan.service,
                match profiles.names(&scan.service) {
                    names if names.is_empty() => "none".to_owned(),
                    names => names.join(", "),
                }
            );
        };
        let key = RunKey {
            profile: scan.profile.clone(),
            service,
            run_id: scan.run_id.clone(),
            place: scan.place.clone(),
            readers: scan.readers,
        };
        let result = AttachedResult {
            run: profiles.run(key, client),
            result_set: scan.result_set,
            total: scan.total,
        };
        let mut types: Vec<(String, DataType)> = Vec::with_capacity(scan.chosen.len());
        for name in scan.chosen {
            let data_type = schema.field_with_name(&name)?.data_type().clone();
            types.push((name, data_type));
        }
        let identity = Identity {
            service,
            run_id: Some(scan.run_id),
            result_set: scan.result_set,
            place: scan.place,
            profile: Some(scan.profile),
        };
        let path = identity.path();
        let shared = Shared {
            origin: Origin::Attached(Arc::new(result)),
            identity,
            schema: Arc::new(schema),
            types,
            page_size: scan.page_size,
            prefetch: scan.prefetch,
            allow_truncated: false,
            retries: None,
        };
        let mut source = RowfeedSource::new(Arc::new(shared));
        source.readers = scan.readers;
        source.projection = match scan.projection {
            Some(columns) => Some(projection(columns, source.table_schema().table_schema())?),
            None => None,
        };
        let files = |ranges: Vec<(u64, u64)>| {
            let ranges = ranges.into_iter();
            FileGroup::new(
                ranges
                    .map(|(start, end)| file_of(&path, Some((scan.total, start..end))))
                    .collect(),
            )
        };
        let groups = scan.partitions.into_iter().map(files).collect();
        Ok(scan_of(Arc::new(source), groups, scan.limit))
    }
}

fn projection(columns: Vec<(usize, String)>, schema: &Schema) -> Result<ProjectionExprs> {
    let columns = columns.into_iter().map(|(index, alias)| {
        let Some(field) = schema.fields().get(index) else {
            return exec_err!("the encoded scan names column {index}, which the schema lacks");
        };
        let expr = Arc::new(Column::new(field.name(), index));
        Ok(ProjectionExpr::new(expr, alias))
    });
    Ok(ProjectionExprs::new(columns.collect::<Result<Vec<_>>>()?))
}

/// A scan of a part of a result. Its number of rows is not that of the result, so it has no
/// statistics.
pub(super) fn scan_of(
    source: Arc<RowfeedSource>,
    groups: Vec<FileGroup>,
    limit: Option<usize>,
) -> Arc<dyn ExecutionPlan> {
    let statistics = Statistics::new_unknown(source.table_schema().table_schema());
    let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), source)
        .with_output_partitioning(Some(Partitioning::UnknownPartitioning(groups.len())))
        .with_file_groups(groups)
        .with_limit(limit)
        .with_statistics(statistics)
        .build();
    DataSourceExec::from_data_source(config)
}

impl PhysicalExtensionCodec for ResultCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        _inputs: &[Arc<dyn ExecutionPlan>],
        _ctx: &TaskContext,
        _converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.decode(bytes)
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        bytes: &mut Vec<u8>,
        _converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let scan = node
            .downcast_ref::<DataSourceExec>()
            .and_then(|scan| scan.downcast_to_file_source::<RowfeedSource>());
        let Some((config, source)) = scan else {
            return exec_err!("{} is not a scan of a rowfeed result", node.name());
        };
        let shared = &source.shared;
        let identity = &shared.identity;
        let Some(run_id) = identity.run_id.clone() else {
            return exec_err!(
                "a table made from pages cannot be read by workers: make it from a run"
            );
        };
        let mut total = 0;
        let mut partitions = Vec::with_capacity(config.file_groups.len());
        for group in &config.file_groups {
            let mut ranges = Vec::with_capacity(group.len());
            for file in group.iter() {
                let Some(Range { start, end }) = part_of(file).rows else {
                    return exec_err!(
                        "a result of unknown size cannot be read by workers in parts"
                    );
                };
                total = file.object_meta.size;
                ranges.push((start, end));
            }
            partitions.push(ranges);
        }
        let projection = match &source.projection {
            None => None,
            Some(projection) => {
                let Some(columns) = indices(projection) else {
                    return internal_err!("a scan of a result returns columns, not expressions");
                };
                let names = projection.iter().map(|column| column.alias.clone());
                Some(columns.into_iter().zip(names).collect())
            }
        };
        let profile = identity.profile.as_deref().unwrap_or(DEFAULT_PROFILE);
        let scan = Scan {
            service: identity.service.to_owned(),
            profile: profile.to_owned(),
            run_id,
            result_set: identity.result_set,
            place: identity.place.clone(),
            chosen: shared.types.iter().map(|(name, _)| name.clone()).collect(),
            projection,
            partitions,
            total,
            limit: config.limit,
            page_size: shared.page_size,
            prefetch: shared.prefetch,
            readers: source.readers,
        };
        let scan = serde_json::to_vec(&scan).map_err(invalid)?;
        let length = u32::try_from(scan.len()).map_err(invalid)?;
        let schema = protobuf::Schema::try_from(shared.schema.as_ref()).map_err(invalid)?;
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&scan);
        schema.encode(bytes).map_err(invalid)
    }
}

fn invalid(error: impl fmt::Display) -> DataFusionError {
    exec_datafusion_err!("a scan of a result cannot be encoded or decoded: {error}")
}

impl fmt::Debug for ResultCodec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResultCodec")
            .field("profiles", &self.profiles)
            .finish()
    }
}
