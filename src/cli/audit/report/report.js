/*
 * The report's script: filters rows and matrix, copies manifests. It reads all it needs from the page, and writes text
 * only, never markup.
 */
(() => {
  'use strict';
  const form = document.getElementById('filters');
  const shown = document.getElementById('shown');
  const matrix = document.getElementById('matrix');
  const number = (count) => count.toLocaleString('en-US');

  // One look at the page; from then on a filter touches nothing but what changes.
  const lists = [...document.querySelectorAll('.list')].map((table) => ({
    table,
    none: table.nextElementSibling,
    portions: [...table.tBodies].map((body) => ({
      body,
      rows: [...body.rows].map((element) => ({ element, ...element.dataset })),
    })),
  }));
  const total = lists.flatMap(({ portions }) => portions).reduce((sum, { rows }) => sum + rows.length, 0);
  const columns = [...(matrix?.tHead.rows[0].cells ?? [])].slice(1).map((header) => header.title);
  const lines = [...(matrix?.tBodies[0].rows ?? [])].map((element) => {
    const header = element.cells[0].title;
    return {
      element,
      tenant: header.slice(0, header.indexOf('/')),
      cells: [...element.cells].slice(1).map((cell, index) => ({
        cell,
        target: columns[index],
        state: cell.dataset.state,
        refused: cell.dataset.refused,
      })),
    };
  });

  const hide = (element, hidden) => {
    if (element.hidden !== hidden) element.hidden = hidden;
  };

  function filterLists(passes) {
    let count = 0;
    for (const { table, none, portions } of lists) {
      let here = 0;
      for (const { body, rows } of portions) {
        let visible = 0;
        for (const row of rows) {
          const pass = passes(row);
          if (pass) visible += 1;
          hide(row.element, !pass);
        }
        hide(body, visible === 0);
        body.style.setProperty('--rows', String(visible));
        here += visible;
      }
      hide(table, here === 0);
      hide(none, here > 0);
      count += here;
    }
    return count;
  }

  function filterMatrix(passes) {
    const used = new Set();
    for (const { element, tenant, cells } of lines) {
      let any = false;
      for (const { cell, target, state, refused } of cells) {
        if (state === undefined) continue;
        const pass = passes({ tenant, target, state, refused });
        cell.classList.toggle('dim', !pass);
        if (pass) {
          any = true;
          used.add(target);
        }
      }
      hide(element, !any);
    }
    columns.forEach((target, index) => {
      const hidden = !used.has(target);
      const header = matrix.tHead.rows[0].cells[index + 1];
      if (header.hidden === hidden) return;
      header.hidden = hidden;
      for (const { cells } of lines) cells[index].cell.hidden = hidden;
    });
  }

  function filter() {
    const tenant = form.elements.tenant.value;
    const state = form.elements.state.value;
    const target = form.elements.target.value.trim().toLowerCase();
    const passes = (row) =>
      (tenant === '' || row.tenant === tenant) &&
      (state === '' || (state === 'refused' ? row.refused === 'yes' : row.state === state)) &&
      (target === '' || row.target.includes(target));
    const count = filterLists(passes);
    filterMatrix(passes);
    shown.textContent = number(count) + ' of ' + number(total) + ' shown';
  }

  async function copy(button) {
    const details = button.parentElement.querySelector('details');
    const manifests = details.querySelector('pre');
    const label = button.firstChild;
    try {
      await navigator.clipboard.writeText(manifests.textContent);
      label.data = 'Copied';
      shown.textContent = 'The manifests are on the clipboard';
    } catch {
      // Not allowed, or too old a browser: then the text is at least selected.
      details.open = true;
      getSelection().selectAllChildren(manifests);
      label.data = 'Press Ctrl+C';
    }
    setTimeout(() => {
      label.data = 'Copy RBAC';
    }, 2500);
  }

  form.addEventListener('input', filter);
  form.addEventListener('submit', (event) => event.preventDefault());
  // The fields are empty again only after this event.
  form.addEventListener('reset', () => setTimeout(filter));
  document.addEventListener('click', (event) => {
    const button = event.target.closest('button.copy');
    if (button !== null) void copy(button);
  });
  form.hidden = false;
  for (const button of document.querySelectorAll('button.copy')) button.hidden = false;
  const measure = () =>
    document.documentElement.style.setProperty(
      '--bar-height',
      getComputedStyle(form).position === 'sticky' ? form.offsetHeight + 'px' : '0px',
    );
  new ResizeObserver(measure).observe(form);
})();
