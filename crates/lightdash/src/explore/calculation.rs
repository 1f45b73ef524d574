//! Table calculations: columns computed from the result of a query.

use super::field::Field;
use super::sort::Sort;
use crate::types::{
    CustomFormat, FrameClause, SortOrder, TableCalculation, TableCalculationOrder,
    TableCalculationTemplate, TableCalculationTemplateType as Template, TableCalculationType,
    WindowFunctionType,
};

/// A column computed from the other columns of a query. Its name is the name of the column.
///
/// ```
/// use rowfeed_lightdash::explore::Calculation;
///
/// let share = Calculation::percent_of_column_total("share", "revenue");
/// let doubled = Calculation::sql("doubled", "${orders.revenue} * 2");
/// # let _ = (share, doubled);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a calculation does nothing until it is passed to calculation()"]
pub struct Calculation {
    pub(super) name: String,
    label: Option<String>,
    how: How,
    type_: Option<TableCalculationType>,
    format: Option<CustomFormat>,
}

#[derive(Clone, Debug)]
enum How {
    Sql(String),
    Formula(String),
    Template(Box<Standard>),
}

/// A standard calculation.
#[derive(Clone, Debug)]
struct Standard {
    template: Template,
    field: Option<Field>,
    order_by: Vec<Sort>,
    partition_by: Vec<Field>,
    function: Option<WindowFunctionType>,
    frame: Option<FrameClause>,
}

impl Calculation {
    fn new(name: impl Into<String>, how: How) -> Self {
        Self {
            name: name.into(),
            label: None,
            how,
            type_: None,
            format: None,
        }
    }

    fn template(name: impl Into<String>, template: Template, field: Option<Field>) -> Self {
        let standard = Standard {
            template,
            field,
            order_by: Vec::new(),
            partition_by: Vec::new(),
            function: None,
            frame: None,
        };
        Self::new(name, How::Template(Box::new(standard)))
    }

    /// An SQL expression over the result, with columns as `${table.field}`.
    pub fn sql(name: impl Into<String>, sql: impl Into<String>) -> Self {
        Self::new(name, How::Sql(sql.into()))
    }

    /// A formula as in a spreadsheet.
    pub fn formula(name: impl Into<String>, formula: impl Into<String>) -> Self {
        Self::new(name, How::Formula(formula.into()))
    }

    /// The share of a value in the total of its column.
    pub fn percent_of_column_total(name: impl Into<String>, field: impl Into<Field>) -> Self {
        Self::template(name, Template::PercentOfColumnTotal, Some(field.into()))
    }

    /// How much larger a value is than in the row before, as a share of that value.
    pub fn percent_change_from_previous(name: impl Into<String>, field: impl Into<Field>) -> Self {
        Self::template(
            name,
            Template::PercentChangeFromPrevious,
            Some(field.into()),
        )
    }

    /// The share of a value in the value of the row before.
    pub fn percent_of_previous_value(name: impl Into<String>, field: impl Into<Field>) -> Self {
        Self::template(name, Template::PercentOfPreviousValue, Some(field.into()))
    }

    /// The rank of a value in its column.
    pub fn rank_in_column(name: impl Into<String>, field: impl Into<Field>) -> Self {
        Self::template(name, Template::RankInColumn, Some(field.into()))
    }

    /// The sum of a column, up to each row.
    pub fn running_total(name: impl Into<String>, field: impl Into<Field>) -> Self {
        Self::template(name, Template::RunningTotal, Some(field.into()))
    }

    /// A window function of the warehouse. Ranks take no field.
    pub fn window(
        name: impl Into<String>,
        function: WindowFunctionType,
        field: Option<Field>,
    ) -> Self {
        let mut calculation = Self::template(name, Template::WindowFunction, field);
        if let How::Template(standard) = &mut calculation.how {
            standard.function = Some(function);
        }
        calculation
    }

    /// Adds a sort key to a standard calculation that depends on the order of rows. Calculations as
    /// SQL and formulas ignore it.
    pub fn order_by(mut self, sort: impl Into<Sort>) -> Self {
        if let How::Template(standard) = &mut self.how {
            standard.order_by.push(sort.into());
        }
        self
    }

    /// Computes a standard calculation for each combination of values of these fields. Calculations
    /// as SQL and formulas ignore it.
    pub fn partition_by<F: Into<Field>>(mut self, fields: impl IntoIterator<Item = F>) -> Self {
        if let How::Template(standard) = &mut self.how {
            let fields = fields.into_iter().map(Into::into);
            standard.partition_by.extend(fields);
        }
        self
    }

    /// Sets the rows that a window function sees. Other calculations ignore it.
    pub fn frame(mut self, frame: FrameClause) -> Self {
        if let How::Template(standard) = &mut self.how {
            standard.frame = Some(frame);
        }
        self
    }

    /// Sets what the column is called for people. The default is its name.
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Sets the type of the column, which decides how a filter compares its values. Set it for
    /// numbers too: without a type and a format, the server compares the values as texts.
    pub fn type_of(mut self, type_: TableCalculationType) -> Self {
        self.type_ = Some(type_);
        self
    }

    /// Sets how the values are formatted.
    pub fn format(mut self, format: CustomFormat) -> Self {
        self.format = Some(format);
        self
    }

    /// The fields that it names, for a check.
    #[cfg(feature = "explores")]
    pub(super) fn fields(&self) -> Vec<&Field> {
        let How::Template(standard) = &self.how else {
            return Vec::new();
        };
        let sorts = standard.order_by.iter().map(|sort| &sort.field);
        let fields = standard.field.iter().chain(sorts);
        fields.chain(&standard.partition_by).collect()
    }

    /// As it is sent; `id` resolves a field.
    pub(super) fn build(&self, id: impl Fn(&Field) -> String) -> TableCalculation {
        let (mut sql, mut formula, mut template) = (None, None, None);
        match &self.how {
            How::Sql(text) => sql = Some(text.clone()),
            How::Formula(text) => formula = Some(text.clone()),
            How::Template(standard) => {
                let order = |sort: &Sort| TableCalculationOrder {
                    field_id: id(&sort.field),
                    order: Some(match sort.descending {
                        true => SortOrder::Desc,
                        false => SortOrder::Asc,
                    }),
                };
                template = Some(TableCalculationTemplate {
                    field_id: standard.field.as_ref().map(&id),
                    frame: standard.frame.clone(),
                    order_by: standard.order_by.iter().map(order).collect(),
                    partition_by: standard.partition_by.iter().map(&id).collect(),
                    type_: standard.template.clone(),
                    window_function: standard.function.clone(),
                });
            }
        }
        // Standard calculations are numbers.
        let is_number = template.is_some() && self.format.is_none();
        let type_ = self.type_.clone();
        TableCalculation {
            display_name: self.label.clone().unwrap_or_else(|| self.name.clone()),
            format: self.format.clone(),
            formula,
            index: None,
            name: self.name.clone(),
            sql,
            template,
            total_mode: None,
            type_: type_.or_else(|| is_number.then_some(TableCalculationType::Number)),
        }
    }
}
