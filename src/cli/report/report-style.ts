/** CSS of the report. It uses system fonts, and has rules for narrow screens and for print. */
export const STYLE = `
*{box-sizing:border-box}
body{font:15px/1.5 system-ui,sans-serif;max-width:1180px;margin:1.5rem auto;padding:0 1rem;color:#1f2937;background:#fff;overflow-wrap:anywhere}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem;padding-top:1rem;border-top:1px solid #e5e7eb}
.gain,.why{padding:.6rem 1rem;border-left:4px solid #059669;background:#ecfdf5}.gain{font-size:1.1rem}.why{border-color:#d97706;background:#fffbeb}
.note{color:#6b7280;font-size:13px}
table{border-collapse:collapse;width:100%;margin-bottom:1.4rem;font-size:14px}th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #e5e7eb}
th,td+td{overflow-wrap:normal;word-break:normal}th{color:#6b7280;font-weight:600}td{font-variant-numeric:tabular-nums}td:first-child{min-width:15rem}
dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.1rem 1rem;margin:0 0 1rem;font-size:14px}dt{color:#6b7280}dd{margin:0}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,340px),1fr));gap:1rem 1.5rem}
figure{margin:0 0 1rem;min-width:0}figcaption{font-weight:600;font-size:14px}
figure svg{display:block;width:100%;height:auto}figure.usual>svg{max-width:540px}
svg text{font:12px system-ui,sans-serif;fill:#4b5563}svg .axis{text-anchor:middle}svg .left{text-anchor:end}svg .grid{stroke:#e5e7eb}
.legend{list-style:none;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.3rem 0 0;padding:0;font-size:13px}.legend .sample{display:inline-block;width:28px;height:8px;margin-right:.4rem}
.pictures{display:flex;flex-wrap:wrap;gap:.8rem 1.6rem;margin-top:1rem}
.picture figcaption{width:min-content;min-width:100%}.picture>div{display:flex;flex-wrap:wrap;gap:.3rem}.picture span{display:block;max-width:100%}.picture img{display:block;max-width:100%;height:auto;background:#f3f4f6}.picture em{display:inline-block;max-width:100%;margin-left:.4em;font-style:normal}.picture i{display:inline-block;width:.8em;height:.8em;border:1px solid #9ca3af}.picture small{color:#6b7280;font-weight:400}
details{margin:.5rem 0}summary{cursor:pointer}pre{font:12.5px/1.45 ui-monospace,monospace;white-space:pre-wrap;background:#f9fafb;padding:.8rem;margin:.4rem 0}
.small{display:none}
@media(max-width:760px){
.large{display:none}.small{display:block}
table,tbody,tr,td{display:block}tr.head{display:none}tr{border:1px solid #e5e7eb;border-radius:6px;margin-bottom:.7rem;padding:.3rem .2rem}
td{display:grid;grid-template-columns:8.5rem minmax(0,1fr);border:0;padding:.1rem .6rem}td:first-child{min-width:0}td::before{content:attr(data-head);color:#6b7280}
}
@media print{details{display:block}body{max-width:none}}`
