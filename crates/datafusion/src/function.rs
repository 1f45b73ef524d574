//! The table functions as DataFusion's planner calls them.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider},
    common::{Result, ScalarValue, plan_err},
    logical_expr::Expr,
};

use crate::{
    ResultTable,
    call::{Argument, Call},
};

/// The tables of a prepared statement.
pub(crate) type Tables = Arc<HashMap<Call, Arc<ResultTable>>>;

/// A table function. Planning a call looks up the table that was prepared for it, and never starts
/// anything.
#[derive(Debug)]
pub(crate) struct Function {
    name: &'static str,
    tables: Tables,
}

impl Function {
    pub(crate) fn unprepared(name: &'static str) -> Self {
        Self::prepared(name, Tables::default())
    }

    pub(crate) fn prepared(name: &'static str, tables: Tables) -> Self {
        Self { name, tables }
    }
}

impl TableFunctionImpl for Function {
    fn call_with_args(&self, args: TableFunctionArgs) -> Result<Arc<dyn TableProvider>> {
        let mut arguments = Vec::with_capacity(args.exprs().len());
        for (index, expr) in args.exprs().iter().enumerate() {
            let Some(argument) = literal(expr) else {
                return plan_err!("{}", not_literal(self.name, index, expr));
            };
            arguments.push(argument);
        }
        let call = match Call::parse(self.name, arguments) {
            Ok(call) => call,
            Err(message) => return plan_err!("{message}"),
        };
        match self.tables.get(&call) {
            Some(table) => Ok(Arc::clone(table) as _),
            None => plan_err!(
                "{call} is not prepared, and planning starts nothing: plan the statement with \
                 rowfeed_datafusion::prepare(&ctx, sql), which starts its runs first"
            ),
        }
    }
}

/// The message for an argument that is not known before planning.
pub(crate) fn not_literal(name: &str, index: usize, argument: &dyn std::fmt::Display) -> String {
    format!(
        "argument {} of {name} is `{argument}`, but has to be a text or an integer as such: the \
         run is started before the statement is planned",
        index + 1
    )
}

fn literal(expr: &Expr) -> Option<Argument> {
    let Expr::Literal(value, _) = expr else {
        return None;
    };
    match value {
        ScalarValue::Utf8(Some(text))
        | ScalarValue::LargeUtf8(Some(text))
        | ScalarValue::Utf8View(Some(text)) => Some(Argument::Text(text.clone())),
        ScalarValue::Int64(Some(number)) => Some(Argument::Integer(*number)),
        _ => None,
    }
}
