//! Runs first, plans after: starts what a statement needs before it is planned.

use std::{collections::HashMap, ops::ControlFlow, sync::Arc};

use datafusion::{
    common::{DataFusionError, Result, plan_datafusion_err},
    dataframe::DataFrame,
    prelude::SessionContext,
    sql::{
        parser::{CopyToSource, Statement},
        sqlparser::ast::{
            Expr, FunctionArg, FunctionArgExpr, Ident, ObjectName, Select, TableAlias, TableFactor,
            TableWithJoins, UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
        },
    },
};
use futures_util::future::try_join_all;

use crate::{
    ResultTable, Services,
    call::{Argument, Call, NAMES},
    error::external,
    function::{Function, Tables, not_literal},
};

/// Starts the runs of the table functions in a statement, waits until they have completed, and
/// makes their results tables.
///
#[doc = include_str!("../docs/prepare.md")]
///
/// # Errors
///
/// The statement cannot be parsed, an argument of a function is not a literal, or a run fails; then
/// [`service_error`](crate::service_error) returns the service's error. Runs of the same statement
/// that are still going are cancelled.
pub async fn prepare(ctx: &SessionContext, sql: &str) -> Result<Prepared> {
    let mut statement = parse(ctx, sql)?;
    let calls = calls_in(&mut statement)?;
    let services = match (
        calls.is_empty(),
        ctx.state().config().get_extension::<Services>(),
    ) {
        (_, Some(services)) => services,
        (true, None) => Arc::new(Services::new()),
        (false, None) => {
            return Err(plan_datafusion_err!(
                "the session has no clients for {}: add them with Services::register()",
                calls[0]
            ));
        }
    };
    let tables = calls.into_iter().map(|call| {
        let services = Arc::clone(&services);
        async move {
            let table = services.start(&call).await.map_err(external)?;
            Ok::<_, DataFusionError>((call, Arc::new(table)))
        }
    });
    let tables: HashMap<_, _> = try_join_all(tables).await?.into_iter().collect();
    Ok(Prepared {
        ctx: ctx.clone(),
        statement,
        tables: Arc::new(tables),
    })
}

/// Returns the services whose table functions a statement calls, in order: `"dune"`, `"lightdash"`,
/// `"yandex-query"`. Sends nothing. With it a program connects only to the services that it needs.
///
/// # Errors
///
/// The statement cannot be parsed, or an argument of a function is not a literal.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let ctx = datafusion::prelude::SessionContext::new();
/// let sql = "SELECT * FROM dune_latest(7) d JOIN dune('SELECT 1') e USING (id)";
/// assert_eq!(rowfeed_datafusion::services_in(&ctx, sql)?, ["dune"]);
/// # Ok(())
/// # }
/// ```
pub fn services_in(ctx: &SessionContext, sql: &str) -> Result<Vec<&'static str>> {
    let calls = calls_in(&mut parse(ctx, sql)?)?;
    let mut services: Vec<_> = calls.iter().map(Call::service).collect();
    services.sort_unstable();
    services.dedup();
    Ok(services)
}

/// A statement whose runs have completed. It can be planned any number of times, and each plan reads
/// the same results.
#[derive(Clone)]
pub struct Prepared {
    ctx: SessionContext,
    statement: Statement,
    tables: Tables,
}

impl Prepared {
    /// Plans the statement, as [`SessionContext::sql`] does. Sends nothing for a query; DataFusion
    /// executes `CREATE TABLE … AS` and similar statements here.
    ///
    /// # Errors
    ///
    /// The statement cannot be planned: it names an unknown table or column, types do not fit.
    pub async fn dataframe(&self) -> Result<DataFrame> {
        self.plan(self.statement.clone()).await
    }

    /// Plans another statement over the same results, for example this one under `EXPLAIN`. Sends
    /// nothing for a query.
    ///
    /// # Errors
    ///
    /// The statement cannot be planned, or it has a call that is not in the prepared one.
    pub async fn sql(&self, sql: &str) -> Result<DataFrame> {
        let mut statement = parse(&self.ctx, sql)?;
        calls_in(&mut statement)?;
        self.plan(statement).await
    }

    /// Returns the calls in the statement with their tables. Long statements are shortened.
    pub fn tables(&self) -> impl Iterator<Item = (String, &ResultTable)> {
        let tables = self.tables.iter();
        tables.map(|(call, table)| (call.to_string(), table.as_ref()))
    }

    async fn plan(&self, statement: Statement) -> Result<DataFrame> {
        // The functions of this copy know the tables. Those of the session do not, so that no other
        // statement reads these results by accident.
        let mut state = self.ctx.state();
        for name in NAMES {
            let function = Function::prepared(name, Arc::clone(&self.tables));
            state.register_udtf(name, Arc::new(function));
        }
        let plan = state.statement_to_plan(statement).await?;
        self.ctx.execute_logical_plan(plan).await
    }
}

impl std::fmt::Debug for Prepared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Prepared")
            .field("tables", &self.tables)
            .finish_non_exhaustive()
    }
}

fn parse(ctx: &SessionContext, sql: &str) -> Result<Statement> {
    let state = ctx.state();
    let dialect = state.config_options().sql_parser.dialect;
    state.sql_to_statement(sql, &dialect)
}

/// Returns the distinct calls of the table functions, and writes their names as they are registered.
fn calls_in(statement: &mut Statement) -> Result<Vec<Call>> {
    let mut finder = Finder::default();
    finder.statement(statement);
    match finder.error {
        Some(message) => Err(DataFusionError::Plan(message)),
        None => Ok(finder.calls),
    }
}

#[derive(Default)]
struct Finder {
    calls: Vec<Call>,
    error: Option<String>,
}

impl Finder {
    fn statement(&mut self, statement: &mut Statement) {
        // The visitor breaks only if it has an error to report.
        let _ = match statement {
            Statement::Statement(statement) => statement.visit(self),
            Statement::Explain(explain) => {
                self.statement(&mut explain.statement);
                ControlFlow::Continue(())
            }
            Statement::CopyTo(copy) => match &mut copy.source {
                CopyToSource::Query(query) => query.visit(self),
                CopyToSource::Relation(_) => ControlFlow::Continue(()),
            },
            Statement::CreateExternalTable(_) | Statement::Reset(_) => ControlFlow::Continue(()),
        };
    }

    fn call(&mut self, name: &mut ObjectName, arguments: &[FunctionArg]) -> ControlFlow<()> {
        let Some(known) = known_name(name) else {
            return ControlFlow::Continue(());
        };
        // DataFusion looks functions up by the name as written, with its quotes.
        *name = ObjectName::from(vec![known.into()]);
        match call_of(known, arguments) {
            Ok(call) => {
                if !self.calls.contains(&call) {
                    self.calls.push(call);
                }
                ControlFlow::Continue(())
            }
            Err(message) => {
                self.error = Some(message);
                ControlFlow::Break(())
            }
        }
    }
}

impl VisitorMut for Finder {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        name_calls(&mut select.from);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        match factor {
            TableFactor::Table {
                name,
                args: Some(arguments),
                ..
            } => self.call(name, &arguments.args),
            TableFactor::Function { name, args, .. } => self.call(name, args),
            _ => ControlFlow::Continue(()),
        }
    }
}

/// Returns the table function of this name.
fn known_name(name: &ObjectName) -> Option<&'static str> {
    let [part] = &name.0[..] else { return None };
    let ident = part.as_ident()?;
    let written = match ident.quote_style {
        None => ident.value.to_lowercase(),
        Some(_) => ident.value.clone(),
    };
    NAMES.into_iter().find(|known| *known == written)
}

/// Gives calls without an alias one: the name of the function, then `dune_2` and so on. DataFusion
/// names all calls of a function alike, and refuses to join two of them.
fn name_calls(from: &mut [TableWithJoins]) {
    let mut factors = Vec::new();
    for tables in from {
        add_factors(tables, &mut factors);
    }
    let mut taken: Vec<String> = factors.iter().filter_map(|factor| shown(factor)).collect();
    for factor in factors {
        let (name, alias) = match factor {
            TableFactor::Table {
                name,
                alias: alias @ None,
                args: Some(_),
                ..
            } => (name, alias),
            TableFactor::Function {
                name,
                alias: alias @ None,
                ..
            } => (name, alias),
            _ => continue,
        };
        let Some(known) = known_name(name) else {
            continue;
        };
        let mut own = known.to_owned();
        let mut number = 1;
        while taken.contains(&own) {
            number += 1;
            own = format!("{known}_{number}");
        }
        *alias = Some(TableAlias {
            explicit: true,
            name: Ident::new(own.clone()),
            columns: Vec::new(),
            at: None,
        });
        taken.push(own);
    }
}

/// Adds the tables and calls between which a query can choose by name.
fn add_factors<'a>(tables: &'a mut TableWithJoins, factors: &mut Vec<&'a mut TableFactor>) {
    let joined = tables.joins.iter_mut().map(|join| &mut join.relation);
    for factor in [&mut tables.relation].into_iter().chain(joined) {
        match factor {
            TableFactor::NestedJoin {
                table_with_joins,
                alias: None,
            } => add_factors(table_with_joins, factors),
            factor => factors.push(factor),
        }
    }
}

/// Returns the name by which a query can refer to the columns of a table, in lower case.
fn shown(factor: &TableFactor) -> Option<String> {
    let name = match factor {
        TableFactor::Table {
            alias: None,
            args: None,
            name,
            ..
        } => name.0.last()?.as_ident(),
        TableFactor::Table { alias, .. }
        | TableFactor::Function { alias, .. }
        | TableFactor::Derived { alias, .. }
        | TableFactor::TableFunction { alias, .. }
        | TableFactor::UNNEST { alias, .. }
        | TableFactor::NestedJoin { alias, .. } => alias.as_ref().map(|alias| &alias.name),
        _ => None,
    };
    Some(name?.value.to_lowercase())
}

fn call_of(name: &str, arguments: &[FunctionArg]) -> Result<Call, String> {
    let mut literals = Vec::with_capacity(arguments.len());
    for (index, argument) in arguments.iter().enumerate() {
        let literal = match argument {
            FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => literal(expr),
            _ => None,
        };
        literals.push(literal.ok_or_else(|| not_literal(name, index, argument))?);
    }
    Call::parse(name, literals)
}

fn literal(expr: &Expr) -> Option<Argument> {
    match expr {
        Expr::Value(ValueWithSpan { value, .. }) => match value {
            Value::Number(digits, _) => digits.parse().ok().map(Argument::Integer),
            Value::SingleQuotedString(text)
            | Value::DoubleQuotedString(text)
            | Value::EscapedStringLiteral(text) => Some(Argument::Text(text.clone())),
            Value::DollarQuotedString(text) => Some(Argument::Text(text.value.clone())),
            _ => None,
        },
        Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr,
        } => match literal(expr)? {
            Argument::Integer(number) => Some(Argument::Integer(-number)),
            Argument::Text(_) => None,
        },
        _ => None,
    }
}
