// What OHIF is told before it starts: where its studies are, and nothing outside this origin.
const { root, basename } = JSON.parse(document.getElementById("ohif").dataset.config);
const here = location.origin + root;
window.PUBLIC_URL = "/";
window.browserImportFunction = (name) => import(name);
window.config = {
  routerBasename: basename,
  extensions: [],
  modes: [],
  customizationService: { "ohif.tours": { $set: [] } },
  showStudyList: false,
  maxNumberOfWebWorkers: 2,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: true,
  strictZSpacingForVolumeViewport: true,
  investigationalUseDialog: { option: "never" },
  defaultDataSourceName: "dicomweb",
  dataSources: [
    {
      namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
      sourceName: "dicomweb",
      configuration: {
        friendlyName: "voxpop",
        name: "voxpop",
        wadoUriRoot: here,
        qidoRoot: here,
        wadoRoot: here,
        qidoSupportsIncludeField: false,
        supportsReject: false,
        imageRendering: "wadors",
        thumbnailRendering: "wadors",
        enableStudyLazyLoad: true,
        supportsFuzzyMatching: false,
        supportsWildcard: false,
        dicomUploadEnabled: false,
        omitQuotationForMultipartRequest: true,
        bulkDataURI: { enabled: false },
      },
    },
  ],
};
