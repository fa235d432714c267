"""The look of what a notebook shows: one scoped style sheet that follows JupyterLab's theme.

Text keeps the theme's own colours. Accents are borders, translucent fills and badges with white text, so that
the same rules read well on light and dark pages, even where JupyterLab's variables do not exist.
"""

from __future__ import annotations

from autograder.reports.colours import report_rules

__all__ = ["STYLE"]

_RULES = """\
.agr{--ag:#0072b2;--ag-fill:rgba(0,114,178,.10);
 --ag-line:var(--jp-border-color2,rgba(128,128,128,.35));
 --ag-quiet:var(--jp-content-font-color2,inherit);color:var(--jp-content-font-color1,inherit);
 font-family:var(--jp-content-font-family,system-ui,-apple-system,"Segoe UI",sans-serif);
 font-size:13px;line-height:1.45;
 border:1px solid var(--ag-line);border-left:5px solid var(--ag);border-radius:4px;margin:4px 0;
 padding:8px 14px 9px;max-width:900px}
.agr-blank,.agr-hand{border-style:dashed;border-left-style:solid}
.agr p{margin:5px 0;white-space:pre-wrap;overflow-wrap:anywhere}
.agr code,.agr pre{font-family:var(--jp-code-font-family,ui-monospace,Menlo,Consolas,monospace);
 font-size:12.5px;
 color:inherit;background:none;padding:0;border:0}
.agr pre{margin:2px 0 0!important;padding:5px 9px!important;white-space:pre!important;overflow:auto;max-height:240px;
 line-height:1.4;border-radius:3px;
 background:rgba(128,128,128,.12)!important;border-left:3px solid var(--ag-line)}
.agr-head{display:flex;flex-wrap:wrap;align-items:center;gap:3px 9px}
.agr-head code{font-weight:600;font-size:13.5px}
.agr-head b{font-weight:600}
.agr-points{margin-left:auto;color:var(--ag-quiet);font-variant-numeric:tabular-nums}
.agr-icon{display:inline-flex;align-items:center;justify-content:center;box-sizing:border-box;
 min-width:21px;height:21px;padding:0 4px;
 border-radius:11px;background:var(--ag);color:#fff;font-size:13px;font-weight:700;line-height:1}
.agr-blank>.agr-head .agr-icon,.agr-hand>.agr-head .agr-icon{
 background:none;color:inherit;border:1.5px dashed var(--ag)}
.agr-groups{display:flex;flex-wrap:wrap;gap:4px 6px;margin:7px 0 2px!important;
 padding:0!important;list-style:none!important}
.agr-groups li{margin:0!important;padding:0 8px;list-style:none!important;
 border:1px solid var(--ag-line);border-radius:10px;
 font-size:12px}
.agr-groups li.agr-no{border-style:dashed}
.agr-quiet{color:var(--ag-quiet);font-size:12px}
.agr-cause{margin:9px 0;padding:7px 12px 8px;border:1px solid #b07800;border-left-width:5px;
 border-radius:4px;background:rgba(230,159,0,.15)}
.agr-title{font-size:12px;font-weight:600;letter-spacing:.02em;margin-bottom:1px}
.agr-help{margin:7px 0;padding:5px 12px 4px;border:1px solid var(--ag-line);border-left-width:5px;border-radius:4px}
.agr-help details details{border-top:1px dashed var(--ag-line);padding-top:2px}
.agr-help summary{color:inherit}
.agr-cause span{font-size:13.5px}
.agr-case{margin:9px 0 6px;padding:7px 10px 8px;border-radius:4px;background:var(--ag-fill)}
.agr mark{background:rgba(230,159,0,.35);color:inherit;font-weight:700;text-decoration:underline;border-radius:2px}
.agr-copy{float:right;margin:4px 6px;font-size:12px;cursor:pointer}
.agr .agr-code{user-select:all}
.agr dl dd{margin:0 0 4px}.agr dl dt{font-size:11.5px;font-weight:600}
.agr summary:focus-visible,.agr pre:focus-visible,.agr button:focus-visible{outline:2px solid var(--ag);
 outline-offset:2px}
.agr-chip{display:inline-block;margin-right:7px;padding:0 8px 0 6px;border-radius:3px;
 background:var(--ag);color:#fff;font-size:12px;font-weight:600}
.agr-chip i{font-style:normal;font-family:ui-monospace,Menlo,Consolas,monospace;margin-right:6px}
.agr-form{--ag:#0067a5;--ag-fill:rgba(0,114,178,.11)}
.agr-values{--ag:#b34700;--ag-fill:rgba(213,94,0,.10)}
.agr-property{--ag:#6a4fb3;--ag-fill:rgba(110,84,190,.12)}
.agr-exception{--ag:#b3261e;--ag-fill:rgba(200,40,30,.10)}
.agr-exception .agr-at pre{border-left-color:var(--ag)}
.agr-inputs{--ag:#00706b;--ag-fill:rgba(0,128,122,.12)}
.agr-warning{--ag:#8a6100;--ag-fill:rgba(230,159,0,.14)}
.agr-breach{--ag:#8f2d6b;--ag-fill:rgba(160,60,125,.13)}
.agr-pairs{display:grid!important;grid-template-columns:repeat(auto-fit,minmax(min(340px,100%),1fr));
 gap:6px 10px;margin:6px 0 0}
.agr-pairs>div{min-width:0}.agr-pairs>div.agr-wide{grid-column:1/-1}
.agr-pairs dt,.agr-pairs dd{margin:0;padding:0;width:auto;float:none}
.agr-pairs dt{font-size:11.5px;font-weight:600;color:var(--ag-quiet)}
.agr-list{margin:3px 0!important;padding:0 0 0 2px!important;
 list-style:none!important;font-size:12.5px}
.agr-list li{margin:1px 0!important;list-style:none!important;overflow-wrap:anywhere}
.agr details{margin:4px 0}.agr summary{cursor:pointer;font-size:12px;color:var(--ag-quiet)}
.agr-next{margin:8px 0 0!important;padding-top:6px;border-top:1px solid var(--ag-line)}
.agr table{border-collapse:collapse;margin:7px 0 2px;width:100%;font-size:13px;border:0}
.agr td,.agr th{padding:3px 10px 3px 0;text-align:left!important;border:0;background:none;
 vertical-align:middle;max-width:none}
.agr th{font-size:11.5px;font-weight:600;color:var(--ag-quiet)}
.agr td.agr-num,.agr th.agr-num{text-align:right!important;white-space:nowrap;
 font-variant-numeric:tabular-nums}
.agr tr.agr-sum td{border-top:1px solid var(--ag-line);font-weight:600}
.agr-bar{display:block;height:10px;min-width:110px;border-radius:5px;
 border:1px solid var(--ag-line);overflow:hidden}
.agr-bar i{display:block;height:100%;background:var(--ag)}
"""

STYLE = f"<style>\n{_RULES}{report_rules()}\n</style>"
